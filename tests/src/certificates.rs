//! An authority for tests, with the certificates that it issues, as files.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The years in which certificates are valid.
const YEARS: (i32, i32) = (2020, 4000);

/// An authority with a folder, in which everything that it makes lies.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as files.
pub struct Pair {
    /// The certificate in PEM.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
}

impl Pair {
    /// The flags with which `kith` shows it.
    pub fn flags(&self) -> [&str; 4] {
        ["--client-cert", text(&self.certificate), "--client-key", text(&self.key)]
    }
}

impl Default for Authority {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut params, key) = (params(&[]), KeyPair::generate().expect("keys can be made"));
        params.distinguished_name.push(DnType::CommonName, folder.path().display().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let own = params.self_signed(&key).expect("a certificate can be made");
        fs::write(folder.path().join("ca.pem"), own.pem()).expect("the folder can be written to");
        Self { folder, issuer: Issuer::new(params, key) }
    }
}

impl Authority {
    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The flag with which `kith` trusts it.
    pub fn flags(&self) -> [String; 2] {
        ["--ca".to_owned(), text(&self.path("ca.pem")).to_owned()]
    }

    /// A certificate for servers on this machine.
    pub fn server(&self, name: &str) -> Pair {
        self.issue(name, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
    }

    /// A certificate for a client with URIs.
    pub fn client(&self, name: &str, uris: &[&str]) -> Pair {
        self.issue(name, |params| {
            let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("URIs are ASCII")));
            params.subject_alt_names = uris.collect();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    /// A certificate as `change` wants it; its serial number is its name.
    pub fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = params(&["localhost", "127.0.0.1"]);
        params.serial_number = Some(serial(name));
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        let pair = Pair { certificate: self.path(&format!("{name}.pem")), key: self.path(&format!("{name}.key")) };
        fs::write(&pair.certificate, certificate.pem()).expect("the folder can be written to");
        write_private(&pair.key, &key.serialize_pem());
        pair
    }

    /// Writes the list of revoked certificates, which names these, to `crl.pem`.
    pub fn revoke(&self, names: &[&str]) -> PathBuf {
        self.revoke_until(names, YEARS.1)
    }

    /// The same for a list that is good until a year.
    pub fn revoke_until(&self, names: &[&str], year: i32) -> PathBuf {
        let revoked = |name: &&str| RevokedCertParams {
            serial_number: serial(name),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(YEARS.0, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: names.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).and_then(|list| list.pem()).expect("a list can be made");
        let path = self.path("crl.pem");
        fs::write(&path, list).expect("the folder can be written to");
        path
    }

    /// Writes a configuration of a server with a certificate, and more lines in its table of TLS.
    pub fn config(&self, pair: &Pair, more: &str) -> PathBuf {
        let (certificate, key) = (text(&pair.certificate), text(&pair.key));
        let table = format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{more}\n");
        let path = self.path("kith.toml");
        fs::write(&path, table).expect("the folder can be written to");
        path
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names are ASCII");
    params.not_before = date_time_ymd(YEARS.0, 1, 1);
    params.not_after = date_time_ymd(YEARS.1, 1, 1);
    params
}

fn serial(name: &str) -> SerialNumber {
    SerialNumber::from_slice(name.as_bytes())
}

/// Writes a file that only this account may read.
pub fn write_private(path: &Path, contents: &str) {
    drop(fs::remove_file(path));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("a new file");
    file.write_all(contents.as_bytes()).expect("the folder can be written to");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
