//! Passwords: what is taken, and how they are hashed.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use docassist_model::ErrorCode;

use crate::AppError;
use crate::secrets::random;

/// NIST SP 800-63B-4 asks for 15 characters where a password stands alone; OWASP ASVS 5.0 for at least 8, better 15. Twelve
/// random ones are out of reach behind the lock-out, and people pick them.
const LEAST_CHARACTERS: usize = 12;
/// Longer ones would be a way to keep the service busy.
const MOST_BYTES: usize = 512;
const LEAST_DIFFERENT: usize = 5;

/// argon2id with 19 MiB, two passes, one lane: OWASP's password storage cheat sheet.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

/// Whether a new password of somebody is taken.
pub(super) fn check(password: &str, email: &str) -> Result<(), AppError> {
    let different = password.chars().collect::<std::collections::BTreeSet<_>>().len();
    let local = email.split('@').next().unwrap_or(email);
    let lower = password.to_lowercase();
    let fault = if password.chars().count() < LEAST_CHARACTERS {
        format!("the password has fewer than {LEAST_CHARACTERS} characters")
    } else if password.len() > MOST_BYTES {
        format!("the password has more than {MOST_BYTES} bytes")
    } else if different < LEAST_DIFFERENT {
        format!("the password has fewer than {LEAST_DIFFERENT} different characters")
    } else if lower == email || (local.len() >= LEAST_CHARACTERS / 2 && lower.replace(local, "").len() < 6) {
        "the password is little more than the address".to_owned()
    } else {
        return Ok(());
    };
    Err(AppError::new(ErrorCode::InvalidInput, fault)
        .hint("Several words that nobody else would put together will do."))
}

/// Hashes a password with a new salt. Takes some 30 ms of one core, and 19 MiB.
pub(super) fn hash(password: &str) -> Result<String, AppError> {
    let fault = |error: argon2::password_hash::Error| {
        AppError::new(ErrorCode::Internal, format!("the password could not be hashed: {error}"))
    };
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(fault)?;
    Ok(hasher().hash_password(password.as_bytes(), &salt).map_err(fault)?.to_string())
}

/// Whether a password is the one of a hash. Without a hash it takes as long and is `false`, so that the time does not tell
/// which addresses have accounts.
pub(super) fn verify(password: &str, hash: Option<&str>) -> bool {
    /// Of a password that nobody knows: 32 zero bytes as its output.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let known = hash.is_some();
    let fits = password.len() <= MOST_BYTES
        && PasswordHash::new(hash.unwrap_or(NOBODY))
            .is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok());
    known && fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_hash_only() {
        let hashed = hash("correct horse battery").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse battery", Some(&hashed)));
        assert!(!verify("correct horse batterz", Some(&hashed)));
        assert!(!verify("correct horse battery", Some("garbage")));
        assert!(!verify("", None));
        assert_ne!(hashed, hash("correct horse battery").unwrap(), "each has its own salt");
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["short", "aaaaaaaaaaaaaaaaaaaa", "annabella1@example.org", "annabella1234", &"ab".repeat(400)] {
            assert!(check(weak, "annabella1@example.org").is_err(), "{weak}");
        }
        check("several words that fit", "ann@example.org").unwrap();
        check("пароль-из-слов", "ann@example.org").unwrap();
    }
}
