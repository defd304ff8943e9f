//! The service's own secret, and what is derived from it: the key that access tokens are signed with, and the one that
//! secrets of sources are encrypted with.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use docassist_model::{ErrorCode, OrgSlug, TenantScope};
use docassist_store::{SealedFor, StoreError};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{AppError, Database};

/// Fewer bytes can be guessed: 32 is what `openssl rand -hex 16` gives, and half of `openssl rand -base64 48`.
pub const LEAST_SECRET_BYTES: usize = 32;
/// A larger file is no secret.
const MOST_SECRET_BYTES: u64 = 4096;
/// The name under which the service's rows have what tells its secret from another one.
pub(crate) const FINGERPRINT: &str = "secret";
/// Bytes of a nonce of XChaCha20-Poly1305: long enough to be drawn at random for every message.
const NONCE: usize = 24;

/// Keys derived from one secret (HKDF-SHA-256, RFC 5869), each for one purpose. Never printed.
#[derive(Clone)]
pub struct Secrets {
    signing: [u8; 32],
    sealing: [u8; 32],
    fingerprint: [u8; 16],
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Derives the keys.
    ///
    /// # Errors
    /// When the secret is so short or so uniform that it could be guessed.
    pub fn derive(secret: &[u8]) -> Result<Self, AppError> {
        let different = secret.iter().collect::<std::collections::BTreeSet<_>>().len();
        if secret.len() < LEAST_SECRET_BYTES || different < 8 {
            let message =
                format!("the secret is too weak: it has {} bytes, {different} of them different", secret.len());
            return Err(AppError::new(ErrorCode::InvalidInput, message).hint(
                "Make one with `openssl rand -base64 48`, and keep it: sources' secrets are encrypted with it.",
            ));
        }
        let derive = Hkdf::<Sha256>::new(Some(b"docassist"), secret);
        let mut secrets = Self { signing: [0; 32], sealing: [0; 32], fingerprint: [0; 16] };
        let parts: [(&[u8], &mut [u8]); 3] = [
            (b"access tokens", &mut secrets.signing),
            (b"secrets of sources", &mut secrets.sealing),
            (b"fingerprint", &mut secrets.fingerprint),
        ];
        for (purpose, key) in parts {
            derive.expand(purpose, key).map_err(|_| AppError::new(ErrorCode::Internal, "no key could be derived"))?;
        }
        Ok(secrets)
    }

    /// Reads the secret in a file; white space around it is not part of it.
    ///
    /// # Errors
    /// When the file cannot be read or holds no good secret.
    pub fn read(path: &Path) -> Result<Self, AppError> {
        let failed = |error: std::io::Error| {
            AppError::new(ErrorCode::InvalidInput, format!("the secret in {} cannot be read: {error}", path.display()))
        };
        if path.metadata().map_err(failed)?.len() > MOST_SECRET_BYTES {
            return Err(AppError::new(ErrorCode::InvalidInput, format!("{} is no secret: too large", path.display())));
        }
        Self::derive(std::fs::read(path).map_err(failed)?.trim_ascii())
    }

    /// The secret kept in the data directory, made at the first start. For a service that only this machine can reach.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn kept_in(data: &Path) -> Result<Self, AppError> {
        let path = data.join("secret");
        if !path.exists() {
            let failed = |error: std::io::Error| {
                AppError::new(ErrorCode::Internal, format!("{} cannot be written: {error}", path.display()))
            };
            std::fs::create_dir_all(data).map_err(failed)?;
            let partial = private_file(data, random_text::<48>()?.as_bytes())?;
            // Only one of several that start at once: a link fails where there is a file.
            let linked = match std::fs::hard_link(&partial, &path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            };
            let _ = std::fs::remove_file(&partial);
            linked.map_err(failed)?;
        }
        Self::read(&path)
    }

    /// Keeps the secret in the file `from` in the data directory, in place of the one that is there.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn keep_in(data: &Path, from: &Path) -> Result<(), AppError> {
        let failed = |error: std::io::Error| {
            AppError::new(ErrorCode::Internal, format!("the new secret cannot be kept in {}: {error}", data.display()))
                .hint(format!("What was sealed is sealed with it: copy {} there as `secret`.", from.display()))
        };
        let text = std::fs::read(from).map_err(failed)?;
        let partial = private_file(data, text.trim_ascii())?;
        std::fs::rename(&partial, data.join("secret")).map_err(failed)
    }

    /// The key of access tokens.
    pub(crate) fn signing(&self) -> &[u8] {
        &self.signing
    }

    /// What tells this secret from another one, and nothing else about it.
    pub(crate) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    /// Encrypts a secret of an organisation. `purpose` says what it is for: it can be decrypted for that organisation and
    /// that purpose only.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, scope: &TenantScope, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, AppError> {
        let nonce = random::<NONCE>()?;
        let context = context(scope, purpose);
        let payload = Payload { msg: secret, aad: context.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| AppError::new(ErrorCode::Internal, "a secret could not be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Secrets::seal`] made.
    ///
    /// # Errors
    /// When it was made with another secret, for another organisation or purpose, or was changed.
    pub fn open(&self, scope: &TenantScope, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, AppError> {
        let fault = || {
            AppError::new(ErrorCode::StoreUnusable, "a stored secret cannot be decrypted")
                .hint("It was encrypted with another service secret: set that one, or give the source's secret again.")
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(fault)?;
        let context = context(scope, purpose);
        let payload = Payload { msg: sealed, aad: context.as_bytes() };
        self.cipher().decrypt(XNonce::from_slice(nonce), payload).map_err(|_| fault())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.sealing))
    }
}

/// Seals everything that was sealed with `old` anew with `new`, which the service is to be started with from then on: all or
/// nothing. How many secrets of sources and webhooks there were. No service may run over these rows meanwhile: what it seals
/// afterwards would be lost.
///
/// # Errors
/// When the rows belong to neither, or something in them cannot be decrypted; then nothing was changed. Where they belong to
/// `new` already, that was done before, and is no error.
pub fn rotate_secret(database: &Database, data: &Path, old: &Secrets, new: &Secrets) -> Result<u64, AppError> {
    let control = database.stores(data)?.control;
    let seal = |org: &OrgSlug, sealed_for: SealedFor<'_>, sealed: &[u8]| {
        let scope = TenantScope::unchecked(org.clone(), "whoever has the service's secret seals anew what is sealed");
        let purpose = match sealed_for {
            SealedFor::Source(source) => crate::jobs::purpose(source),
            SealedFor::Webhook(id) => crate::service::webhooks::purpose(id),
        };
        let open = old.open(&scope, &purpose, sealed).and_then(|secret| new.seal(&scope, &purpose, &secret));
        // An error of our own passes through the store as a feed's does.
        open.map_err(|error| StoreError::Feed(error.hint(format!("It is of the {purpose} of `{org}`.")).into()))
    };
    if let Some(count) = control.reseal(FINGERPRINT, &old.fingerprint, &new.fingerprint, &seal)? {
        return Ok(count);
    }
    match control.initialise(FINGERPRINT, &new.fingerprint)? {
        there if there == new.fingerprint => Ok(0),
        _ => Err(AppError::new(ErrorCode::InvalidInput, "the data was written with another secret than the old one")
            .hint("Name the one that the service is started with.")),
    }
}

/// A new file in `data`, whole, for this user alone.
fn private_file(data: &Path, text: &[u8]) -> Result<PathBuf, AppError> {
    let path = data.join(format!("secret.{}", random_text::<8>()?));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    written.map_err(|error| {
        let _ = std::fs::remove_file(&path);
        AppError::new(ErrorCode::Internal, format!("{} cannot be written: {error}", path.display()))
    })?;
    Ok(path)
}

/// A slug holds no `/`, so that no two pairs have the same text.
fn context(scope: &TenantScope, purpose: &str) -> String {
    format!("{}/{purpose}", scope.org())
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], AppError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("the system has no random numbers: {error}")))?;
    Ok(bytes)
}

/// Text of so many random bytes, in the letters of base64url.
pub(crate) fn random_text<const N: usize>() -> Result<String, AppError> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<N>()?))
}

/// Whether `signature` is HMAC-SHA-256 of the message. Takes the same time whatever is wrong.
#[must_use]
pub fn signed_with(secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    // A key of any length is taken.
    <Hmac<Sha256> as hmac::Mac>::new_from_slice(secret).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(slug: &str) -> TenantScope {
        TenantScope::unchecked(slug.parse().unwrap(), "a test")
    }

    #[test]
    fn what_is_sealed_opens_for_its_organisation_and_purpose_only() {
        let secrets = Secrets::derive(b"0123456789abcdef0123456789abcdef").unwrap();
        let other = Secrets::derive(b"0123456789abcdef0123456789abcdeg").unwrap();
        let sealed = secrets.seal(&scope("acme"), "git app", b"token").unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"token"));
        assert_eq!(secrets.open(&scope("acme"), "git app", &sealed).unwrap(), b"token");
        assert!(secrets.open(&scope("globex"), "git app", &sealed).is_err());
        assert!(secrets.open(&scope("acme"), "git web", &sealed).is_err());
        assert!(other.open(&scope("acme"), "git app", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(secrets.open(&scope("acme"), "git app", &changed).is_err(), "byte {at}");
            assert!(secrets.open(&scope("acme"), "git app", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_ne!(sealed, secrets.seal(&scope("acme"), "git app", b"token").unwrap(), "a nonce is used once");
    }

    #[test]
    fn a_weak_secret_is_refused() {
        for weak in [&b"secret"[..], b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b""] {
            assert_eq!(Secrets::derive(weak).unwrap_err().code, ErrorCode::InvalidInput);
        }
    }

    #[test]
    fn the_kept_secret_stays_and_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::kept_in(folder.path()).unwrap();
        assert_eq!(first.fingerprint(), Secrets::kept_in(folder.path()).unwrap().fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = folder.path().join("secret").metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(format!("{first:?}"), "Secrets(…)");
    }

    #[test]
    fn signatures_are_checked() {
        // The example of GitHub's documentation of webhook signatures.
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let bytes: Vec<u8> =
            (0..signature.len()).step_by(2).map(|at| u8::from_str_radix(&signature[at..at + 2], 16).unwrap()).collect();
        assert!(signed_with(b"It's a Secret to Everybody", b"Hello, World!", &bytes));
        assert!(!signed_with(b"It's a Secret to Everybody", b"Hello, World?", &bytes));
        assert!(!signed_with(b"It's a Secret to Everybody", b"Hello, World!", &bytes[..31]));
    }

    #[test]
    fn a_new_secret_opens_what_was_sealed_with_the_old_one() {
        use docassist_model::{Forge, Organisation, SourceKind, SourceSettings, Timestamp, Webhook};
        let (folder, database) = (tempfile::tempdir().unwrap(), Database::Files);
        let secret =
            |text: &str| Secrets::derive(format!("{text}-0123456789-abcdefghijklmnopqrstuv").as_bytes()).unwrap();
        let (old, new) = (secret("old"), secret("new"));
        let control = database.stores(folder.path()).unwrap().control;
        control.initialise(FINGERPRINT, old.fingerprint()).unwrap();
        let acme = scope("acme");
        let created = Timestamp::from_unix(1);
        control.create_org(&Organisation { slug: acme.org().clone(), name: String::new(), created }).unwrap();
        let settings = SourceSettings {
            source: "repo".to_owned(),
            kind: SourceKind::Git,
            request: serde_json::json!({}),
            secret: Some(old.seal(&acme, &crate::jobs::purpose("repo"), b"token").unwrap()),
            every: None,
            due: None,
        };
        control.put_settings(&acme, &settings).unwrap();
        let webhook = Webhook {
            id: "hook".to_owned(),
            org: acme.org().clone(),
            source: "repo".to_owned(),
            forge: Forge::Gitlab,
            secret: old.seal(&acme, &crate::service::webhooks::purpose("hook"), b"word").unwrap(),
            created,
        };
        control.create_webhook(&webhook).unwrap();

        let wrong = rotate_secret(&database, folder.path(), &secret("none"), &new).unwrap_err();
        assert_eq!(wrong.code, ErrorCode::InvalidInput);
        assert_eq!(rotate_secret(&database, folder.path(), &old, &new).unwrap(), 2);
        let sealed = control.settings(&acme, "repo").unwrap().unwrap().secret.unwrap();
        assert_eq!(new.open(&acme, &crate::jobs::purpose("repo"), &sealed).unwrap(), b"token");
        let sealed = control.webhook("hook").unwrap().unwrap().secret;
        assert_eq!(new.open(&acme, &crate::service::webhooks::purpose("hook"), &sealed).unwrap(), b"word");
        assert_eq!(rotate_secret(&database, folder.path(), &old, &new).unwrap(), 0, "once more changes nothing");

        // What cannot be decrypted stops all of it.
        control.put_settings(&acme, &SourceSettings { secret: Some(vec![0; 64]), ..settings }).unwrap();
        let stuck = rotate_secret(&database, folder.path(), &new, &old).unwrap_err();
        assert_eq!(stuck.code, ErrorCode::StoreUnusable);
        assert_eq!(control.initialise(FINGERPRINT, b"").unwrap(), new.fingerprint());
        let sealed = control.webhook("hook").unwrap().unwrap().secret;
        assert!(new.open(&acme, &crate::service::webhooks::purpose("hook"), &sealed).is_ok());
    }
}
