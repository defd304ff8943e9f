//! What an encrypted connection is made with: the parameters of an address.

use percent_encoding::percent_decode_str;
use redis::{ClientTlsConfig, TlsCertificates};

use super::address::InvalidAddress;

/// What every scheme of an encrypted address begins with.
const SECURE: &str = "rediss";

/// Takes the parameters of an encrypted address off it: the address without them, and certificates where it is encrypted.
///
/// They are those of redis-py: `ssl_ca_certs` names a file of certificates to trust instead of the system's,
/// `ssl_certfile` and `ssl_keyfile` what to show to a server that asks. A server's certificate is always verified.
pub(super) fn parameters(url: &str) -> Result<(&str, Option<TlsCertificates>), InvalidAddress> {
    if !url.starts_with(SECURE) {
        return Ok((url, None));
    }
    if url.contains('#') {
        // The client takes `#insecure` for not looking at the certificate.
        return Err(InvalidAddress::new("a `#` is no part of it: the certificate is always verified".to_owned()));
    }
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut root_cert, mut certificate, mut key) = (None, None, None);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, path) = parameter.split_once('=').unwrap_or((parameter, ""));
        let wanted = match name {
            "ssl_ca_certs" => &mut root_cert,
            "ssl_certfile" => &mut certificate,
            "ssl_keyfile" => &mut key,
            _ => {
                let known = "ssl_ca_certs, ssl_certfile and ssl_keyfile";
                return Err(InvalidAddress::new(format!("`{name}` is no parameter of it; those are {known}")));
            }
        };
        let path = percent_decode_str(path).decode_utf8_lossy();
        let read = std::fs::read(&*path);
        *wanted = Some(read.map_err(|error| InvalidAddress::new(format!("{name} {path}: {error}")))?);
    }
    let client_tls = match (certificate, key) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err(InvalidAddress::new("ssl_certfile and ssl_keyfile belong together".to_owned())),
    };
    // The client takes the process's own. Whoever was first has chosen the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok((place, Some(TlsCertificates { client_tls, root_cert })))
}
