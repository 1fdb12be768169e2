//! The files of TLS, in PEM, and what can be wrong with them.

use crate::limits::TLS_FILE_BYTES_MAX;
use kith_core::timestamp::Timestamp;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime,
    pem::{self, PemObject},
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    /// It could not be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    /// It is too large to be what it should be.
    #[error("{path} has more than {TLS_FILE_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    /// Others may read it.
    #[error("others may read {path}: run `chmod 600 {path}`")]
    Exposed { path: PathBuf },
    /// It holds nothing of what it should.
    #[error("{path} contains no {what} in PEM")]
    Missing { path: PathBuf, what: &'static str },
    /// It is not PEM.
    #[error("{path} is not PEM: {why}")]
    Malformed { path: PathBuf, why: String },
    /// The certificate has expired.
    #[error("the certificate in {path} has expired: it was valid until {until}")]
    Expired { path: PathBuf, until: prost_types::Timestamp },
    /// The certificate is not valid yet.
    #[error("the certificate in {path} is not valid yet: it is valid from {from}")]
    Early { path: PathBuf, from: prost_types::Timestamp },
    /// Clients would refuse the certificate.
    #[error("clients do not take the certificate in {path} for that of a server: {why}")]
    Unfit { path: PathBuf, why: webpki::Error },
}

/// A server's certificate, and those of the authorities between it and the root.
pub(super) struct Chain {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// When the first of them to expire does.
    pub(super) valid_until: Timestamp,
}

impl Chain {
    /// Reads a certificate with what follows it, all of which must be in date.
    pub(super) fn read(path: &Path, now: UnixTime) -> Result<Self, FileFault> {
        let certificates: Vec<CertificateDer<'static>> = read_all(path, "certificate")?;
        let mut valid_until = Timestamp::MAX;
        for (index, certificate) in certificates.iter().enumerate() {
            match fault_at(certificate, now) {
                // Nobody vouches for it here: everything else about it is right.
                Some(webpki::Error::UnknownIssuer) => {}
                Some(why) if index == 0 => {
                    return Err(of_date(path, &why).unwrap_or(FileFault::Unfit { path: path.to_owned(), why }));
                }
                why => why.and_then(|why| of_date(path, &why)).map_or(Ok(()), Err)?,
            }
            valid_until = valid_until.min(end(certificate));
        }
        Ok(Self { certificates, valid_until })
    }
}

/// A private key that nobody else can read.
pub(super) struct SecretKey(pub(super) PrivateKeyDer<'static>);

impl SecretKey {
    /// Reads a key.
    pub(super) fn read(path: &Path) -> Result<Self, FileFault> {
        let (file, bytes) = read_file(path)?;
        if kith_log::is_exposed(&file.metadata().map_err(unreadable(path))?) {
            return Err(FileFault::Exposed { path: path.to_owned() });
        }
        PrivateKeyDer::from_pem_slice(&bytes).map(Self).map_err(|error| no_pem(path, "private key", &error))
    }
}

/// Reads certificates of authorities, which must be in date.
pub(super) fn read_authorities(path: &Path, now: UnixTime) -> Result<Vec<CertificateDer<'static>>, FileFault> {
    let authorities: Vec<CertificateDer<'static>> = read_all(path, "certificate")?;
    let faults = authorities.iter().filter_map(|authority| of_date(path, &fault_at(authority, now)?));
    faults.map(Err).next().unwrap_or(Ok(authorities))
}

/// Reads lists of revoked certificates.
pub(super) fn read_revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileFault> {
    read_all(path, "list of revoked certificates")
}

fn read_all<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, FileFault> {
    let (_, bytes) = read_file(path)?;
    let found: Result<Vec<T>, _> = T::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| no_pem(path, what, &error))?;
    if found.is_empty() { Err(FileFault::Missing { path: path.to_owned(), what }) } else { Ok(found) }
}

fn read_file(path: &Path) -> Result<(File, Vec<u8>), FileFault> {
    let file = File::open(path).map_err(unreadable(path))?;
    let mut bytes = Vec::new();
    (&file).take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
    if bytes.len() as u64 > TLS_FILE_BYTES_MAX {
        return Err(FileFault::TooLarge { path: path.to_owned() });
    }
    Ok((file, bytes))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> FileFault {
    move |source| FileFault::Unreadable { path: path.to_owned(), source }
}

/// What is wrong with a file as PEM, without its contents: they may be a key.
fn no_pem(path: &Path, what: &'static str, error: &pem::Error) -> FileFault {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => FileFault::Missing { path, what },
        pem::Error::MissingSectionEnd { .. } => FileFault::Malformed { path, why: "a part of it has no end".into() },
        pem::Error::IllegalSectionStart { .. } => {
            FileFault::Malformed { path, why: "a part of it begins with no name".into() }
        }
        _ => FileFault::Malformed { path, why: "it is not base64".into() },
    }
}

/// Why a certificate is none of a server in the eyes of somebody who trusts no authority at all. A certificate that is
/// right but for that has an unknown issuer.
fn fault_at(certificate: &CertificateDer<'_>, time: UnixTime) -> Option<webpki::Error> {
    let certificate = match EndEntityCert::try_from(certificate) {
        Ok(certificate) => certificate,
        Err(fault) => return Some(fault),
    };
    certificate.verify_for_usage(ALL_VERIFICATION_ALGS, &[], &[], time, KeyUsage::server_auth(), None, None).err()
}

/// When a certificate expires: what is wrong with it at the end of all time says so.
pub(super) fn end(certificate: &CertificateDer<'_>) -> Timestamp {
    let last = Duration::from_millis(u64::try_from(Timestamp::MAX.millis()).unwrap_or(0));
    match fault_at(certificate, UnixTime::since_unix_epoch(last)) {
        Some(webpki::Error::CertExpired { not_after, .. }) => timestamp(not_after),
        _ => Timestamp::MAX,
    }
}

fn of_date(path: &Path, fault: &webpki::Error) -> Option<FileFault> {
    let path = path.to_owned();
    match fault {
        webpki::Error::CertExpired { not_after, .. } => {
            Some(FileFault::Expired { path, until: timestamp(*not_after).to_proto() })
        }
        webpki::Error::CertNotValidYet { not_before, .. } => {
            Some(FileFault::Early { path, from: timestamp(*not_before).to_proto() })
        }
        _ => None,
    }
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000)).min(Timestamp::MAX)
}
