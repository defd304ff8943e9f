//! Certificates of a test's own: an authority, and what it vouches for.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority that nobody trusts unless told to. Its files go with it.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key, which nobody else can read.
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::default();
        // Of its own name, so that what another one has signed is not taken for a bad signature of this one.
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        params.distinguished_name.push(DnType::CommonName, format!("Authority of a test {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("an authority can be signed");
        write(&folder.path().join("authority.pem"), &certificate.pem());
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// The file of its own certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// A certificate for `names`: hosts and addresses, or whoever shows it.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Issued {
        let key = KeyPair::generate().expect("a key can be made");
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let file = |extension: &str| self.folder.path().join(format!("{}.{extension}", names.join("+")));
        let issued = Issued { certificate: file("pem"), key: file("key") };
        let params = CertificateParams::new(names.clone()).expect("the names are names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be signed");
        write(&issued.certificate, &certificate.pem());
        write(&issued.key, &key.serialize_pem());
        issued
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn write(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).expect("a temporary folder can be written to");
    file.write_all(text.as_bytes()).expect("a temporary folder can be written to");
}
