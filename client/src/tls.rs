//! TLS of a connection: who is trusted to name the server, and what this side shows of itself.

use crate::{
    address::ServerAddress,
    error::{Error, Kind, innermost},
    options::{Options, Tls},
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

/// What precedes a certificate in PEM.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Secures an endpoint if its address is `https://`. Otherwise it must be one that a token may be sent to in plain.
pub(crate) fn secure(endpoint: Endpoint, address: &ServerAddress, options: &Options) -> Result<Endpoint, Error> {
    if address.is_secure() {
        return endpoint.tls_config(config(options)?).map_err(|error| {
            let why = innermost(&error);
            invalid(match why.as_str() {
                "no native certs found" => "this system has no certificates of authorities: name some (ca)".to_owned(),
                _ => format!("TLS cannot be set up as the options say: {why}"),
            })
        });
    }
    if options.tls != Tls::default() {
        return Err(invalid("ca, certificate and key are for https:// only".to_owned()));
    }
    if !address.is_private() && !options.allow_plaintext {
        return Err(invalid(format!(
            "a token is not sent to {address} in plain, which is not this machine: use https://, or allow_plaintext if \
             the network in between is trusted"
        )));
    }
    Ok(endpoint)
}

fn config(options: &Options) -> Result<ClientTlsConfig, Error> {
    let config = ClientTlsConfig::new().timeout(options.timeouts.connect);
    let config = match &options.tls.ca {
        Some(pem) if pem.contains(CERTIFICATE) => config.ca_certificate(Certificate::from_pem(pem)),
        Some(_) => return Err(invalid("ca contains no certificate in PEM".to_owned())),
        None => config.with_native_roots(),
    };
    Ok(match &options.tls.identity {
        Some(identity) if identity.certificate.contains(CERTIFICATE) => {
            config.identity(Identity::from_pem(&identity.certificate, identity.key.expose()))
        }
        Some(_) => return Err(invalid("the client's certificate is not in PEM".to_owned())),
        None => config,
    })
}

fn invalid(message: String) -> Error {
    Error::new(Kind::OptionsInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{endpoint, options::ClientIdentity};

    fn check(options: &Options, expected: Result<(), &str>) {
        match (endpoint(options), expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(part)) => {
                assert_eq!(error.kind(), Kind::OptionsInvalid);
                assert!(error.to_string().contains(part), "{error}");
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    fn options(server: &str) -> Options {
        Options::new(server, "token", "default".parse().unwrap())
    }

    #[test]
    fn tokens_leave_this_machine_over_tls_or_where_that_is_allowed() {
        for server in ["http://127.0.0.1:7420", "http://[::1]:7420", "localhost:7420"] {
            check(&options(server), Ok(()));
        }
        for server in ["http://kith.example", "10.0.0.7:7420", "http://localhost.example"] {
            check(&options(server), Err("use https://, or allow_plaintext"));
            check(&Options { allow_plaintext: true, ..options(server) }, Ok(()));
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused_before_anything_is_sent() {
        let with = |tls: Tls| Options { tls, ..options("https://kith.example") };
        let ca = Some("no certificate".to_owned());
        check(&with(Tls { ca: ca.clone(), identity: None }), Err("ca contains no certificate"));
        check(&Options { tls: Tls { ca, identity: None }, ..options("127.0.0.1") }, Err("for https:// only"));
        let empty = format!("{CERTIFICATE}\n-----END CERTIFICATE-----\n");
        let identity =
            |certificate: &str| Some(ClientIdentity { certificate: certificate.into(), key: "no key".into() });
        check(&with(Tls { ca: Some(empty.clone()), identity: identity("x") }), Err("certificate is not in PEM"));
        check(&with(Tls { ca: Some(empty.clone()), identity: identity(&empty) }), Err("TLS cannot be set up"));
    }
}
