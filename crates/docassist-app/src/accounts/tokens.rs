//! Sessions: short access tokens that prove who asks without a look into the store, and refresh tokens that are handed in for the
//! next pair, each once.

use std::sync::{Arc, Once};
use std::time::Duration;

use docassist_model::{ErrorCode, Timestamp, UserId};
use docassist_store::{NewToken, Rotation};
use hmac::{Hmac, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::users::LONGEST_EMAIL;
use super::{Accounts, Principal, Seen, password};
use crate::secrets::random_text;
use crate::{AppError, now};

/// A refresh token ends after so many days without use.
const REFRESH_DAYS: i64 = 30;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
const ISSUER: &str = "docassist";
/// Clocks of replicas differ by less.
const LEEWAY: Duration = Duration::from_secs(5);
/// A longer one was not made here.
const LONGEST_TOKEN: usize = 1024;

/// What somebody shows to log in.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// The account.
    pub email: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Where the request comes from.
    pub address: &'a str,
}

/// A session's tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Whose.
    pub user: UserId,
    /// Proves who asks until it ends.
    pub access: String,
    /// How long that is.
    pub access_life: Duration,
    /// Gives the next pair, once.
    pub refresh: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
}

impl Accounts {
    /// Begins a session. Takes some 30 ms: the password is hashed on purpose slowly.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] in the same words and after the same time whether the address or the password is wrong;
    /// [`ErrorCode::RateLimited`] after too many failures.
    pub fn log_in(&self, login: Login<'_>) -> Result<Tokens, AppError> {
        // What is longer than any address is nobody's, and is not counted at its full length.
        let email: String = login.email.trim().chars().take(LONGEST_EMAIL + 1).collect::<String>().to_lowercase();
        if let Some(left) = self.guard.locked_for(&email, login.address) {
            return Err(AppError::new(ErrorCode::RateLimited, "too many failed attempts")
                .hint(format!("Try again in {} seconds.", left.as_secs().max(1))));
        }
        let found = self.control.user_by_email(&email)?.filter(|(user, _)| !user.disabled);
        if !password::verify(login.password, found.as_ref().map(|(_, hash)| hash.as_str())) {
            self.guard.failed(&email, login.address);
            return Err(AppError::new(ErrorCode::Unauthenticated, "the address or the password is wrong"));
        }
        self.guard.succeeded(&email);
        let user = found.map(|(user, _)| user.id).ok_or_else(|| refused("there is no such user"))?;
        let (refresh, hash) = refresh_token()?;
        let now = now();
        let expires = Timestamp::from_unix(now.unix() + REFRESH_DAYS * SECONDS_PER_DAY);
        self.control.begin_session(user, NewToken { hash: &hash, now, expires })?;
        self.tokens(user, refresh)
    }

    /// The next pair of tokens of a session.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`]. A token that was used before ends its session: one of the two who showed it stole it.
    pub fn refresh(&self, token: &str) -> Result<Tokens, AppError> {
        let (refresh, hash) = refresh_token()?;
        let now = now();
        let expires = Timestamp::from_unix(now.unix() + REFRESH_DAYS * SECONDS_PER_DAY);
        match self.control.rotate_token(&digest(token), NewToken { hash: &hash, now, expires })? {
            Rotation::Rotated(user) => self.tokens(user, refresh),
            Rotation::Reused(_) => {
                Err(refused("the refresh token was used before; its session is ended").hint("Log in again."))
            }
            Rotation::Refused => Err(refused("the refresh token does not hold").hint("Log in again.")),
        }
    }

    /// Ends the session of a refresh token. Its last access token works until it ends, some minutes at most.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn log_out(&self, refresh: &str) -> Result<bool, AppError> {
        Ok(self.control.end_session(&digest(refresh))?)
    }

    /// Who shows this access token.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] when it does not hold, or its user is no more.
    pub(super) fn with_access_token(&self, token: &str) -> Result<Seen, AppError> {
        let (user, end) = self.user_of(token)?;
        let standing = self.standing(user)?.ok_or_else(|| refused("the user of this token is gone or disabled"))?;
        let principal = Principal { standing: standing.found, key: None };
        Ok(Seen { principal, end: Some(Timestamp::from_unix(end)), read: standing.read })
    }

    /// The user of a token, and when the token ends.
    fn user_of(&self, token: &str) -> Result<(UserId, i64), AppError> {
        use_own_hmac();
        if token.len() > LONGEST_TOKEN {
            return Err(refused("that is no access token"));
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY.as_secs();
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        let key = DecodingKey::from_secret(self.secrets.signing());
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind;
            match error.kind() {
                ErrorKind::ExpiredSignature => {
                    refused("the access token has ended").hint("Hand in the refresh token, or log in again.")
                }
                _ => refused("the access token does not hold").hint("Log in again."),
            }
        })?;
        let user = claims.claims.sub.parse().map_err(|_| refused("the access token names no user"))?;
        Ok((UserId(user), claims.claims.exp))
    }

    fn tokens(&self, user: UserId, refresh: String) -> Result<Tokens, AppError> {
        use_own_hmac();
        let now = now().unix();
        let life = i64::try_from(self.access_life.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims { iss: ISSUER.to_owned(), sub: user.to_string(), iat: now, exp: now.saturating_add(life) };
        let key = EncodingKey::from_secret(self.secrets.signing());
        let access = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("no token could be made: {error}")))?;
        Ok(Tokens { user, access, access_life: self.access_life, refresh })
    }
}

pub(super) fn refused(message: &str) -> AppError {
    AppError::new(ErrorCode::Unauthenticated, message)
}

/// A new token and what is kept of it. It is random and long: one round of a fast hash hides it well.
fn refresh_token() -> Result<(String, [u8; 32]), AppError> {
    let token = format!("dar_{}", random_text::<32>()?);
    let hash = digest(&token);
    Ok((token, hash))
}

pub(super) fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// HMAC-SHA-256 is all the cryptography that our tokens need; the library's own choices bring RSA and elliptic curves.
fn use_own_hmac() {
    static INSTALLED: Once = Once::new();
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| match algorithm {
            Algorithm::HS256 => Ok(Box::new(HmacSha256(Arc::from(key.as_bytes())))),
            _ => Err(jsonwebtoken::errors::ErrorKind::InvalidAlgorithm.into()),
        },
        verifier_factory: |algorithm, key| match algorithm {
            Algorithm::HS256 => Ok(Box::new(HmacSha256(Arc::from(key.try_get_as_bytes()?)))),
            _ => Err(jsonwebtoken::errors::ErrorKind::InvalidAlgorithm.into()),
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    INSTALLED.call_once(|| {
        // Somebody else in this program may have installed one that can do more.
        let _ = PROVIDER.install_default();
    });
}

struct HmacSha256(Arc<[u8]>);

impl HmacSha256 {
    fn of(&self, message: &[u8]) -> Result<Hmac<Sha256>, signature::Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(signature::Error::from_source)?;
        mac.update(message);
        Ok(mac)
    }
}

impl signature::Signer<Vec<u8>> for HmacSha256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.of(message)?.finalize().into_bytes().to_vec())
    }
}

impl signature::Verifier<Vec<u8>> for HmacSha256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.of(message)?.verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
