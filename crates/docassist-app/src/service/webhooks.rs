//! Messages of forges that somebody has pushed.

use docassist_model::{ErrorCode, Forge, Job, TenantScope, Webhook};

use super::Service;
use crate::secrets::{random_text, signed_with};
use crate::{AppError, now};

/// Webhooks of an organisation at most.
const MOST: usize = 1_000;

/// A message as it came, with what its forge proves itself by.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// The header that carries the proof: `X-Hub-Signature-256`, `X-Gitlab-Token`, `X-Hub-Signature`.
    pub proof: &'a str,
    /// The header that names the event: `X-GitHub-Event`, `X-Gitlab-Event`, `X-Event-Key`.
    pub event: &'a str,
}

impl Delivery<'_> {
    /// Whether the forge knows the secret.
    fn is_proved(&self, forge: Forge, secret: &[u8]) -> bool {
        match forge {
            Forge::Github | Forge::Bitbucket => {
                let digits = self.proof.strip_prefix("sha256=").unwrap_or_default();
                hex(digits).is_some_and(|signature| signed_with(secret, self.body, &signature))
            }
            // Gitlab sends the secret itself.
            Forge::Gitlab => bool::from(subtle::ConstantTimeEq::ct_eq(self.proof.as_bytes(), secret)),
        }
    }

    /// Whether somebody has pushed: other events are heard, and nothing follows.
    fn is_push(&self, forge: Forge) -> bool {
        match forge {
            Forge::Github => self.event == "push",
            Forge::Gitlab => matches!(self.event, "Push Hook" | "Tag Push Hook"),
            Forge::Bitbucket => matches!(self.event, "repo:push" | "repo:refs_changed"),
        }
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl Service {
    /// Makes a webhook for a source. Returns it with the secret to give to the forge, which nobody can see again.
    ///
    /// # Errors
    /// When there is no such source.
    pub fn create_webhook(
        &self,
        scope: &TenantScope,
        source: &str,
        forge: Forge,
    ) -> Result<(Webhook, String), AppError> {
        if self.control.settings(scope, source)?.is_none() {
            return Err(AppError::new(ErrorCode::NotFound, format!("there is no source `{source}`"))
                .hint("Sync it once; then a push can start the next sync."));
        }
        if self.control.webhooks(scope)?.len() >= MOST {
            return Err(AppError::new(ErrorCode::Conflict, format!("there are {MOST} webhooks already")));
        }
        let (id, secret) = (random_text::<18>()?, random_text::<32>()?);
        let sealed = self.secrets.seal(scope, &purpose(&id), secret.as_bytes())?;
        let webhook =
            Webhook { id, org: scope.org().clone(), source: source.to_owned(), forge, secret: sealed, created: now() };
        self.control.create_webhook(&webhook)?;
        Ok((webhook, secret))
    }

    /// Webhooks of an organisation.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>, AppError> {
        Ok(self.control.webhooks(scope)?)
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// When there is none such in the organisation.
    pub fn delete_webhook(&self, scope: &TenantScope, id: &str) -> Result<(), AppError> {
        if self.control.delete_webhook(scope, id)? {
            return Ok(());
        }
        Err(AppError::new(ErrorCode::NotFound, format!("there is no webhook `{id}`")))
    }

    /// The forge of a webhook: by it the sender knows which headers to look for.
    ///
    /// # Errors
    /// When there is none such.
    pub fn webhook(&self, id: &str) -> Result<Webhook, AppError> {
        self.control.webhook(id)?.ok_or_else(unproved)
    }

    /// Takes a message. Returns the job that it started, none where nobody has pushed.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] in the same words whether there is no such webhook or the proof does not hold.
    pub fn deliver(&self, webhook: &Webhook, delivery: Delivery<'_>) -> Result<Option<Job>, AppError> {
        let scope = TenantScope::unchecked(webhook.org.clone(), "the message is signed with the organisation's secret");
        let secret = self.secrets.open(&scope, &purpose(&webhook.id), &webhook.secret)?;
        if !delivery.is_proved(webhook.forge, &secret) {
            return Err(unproved());
        }
        if !delivery.is_push(webhook.forge) {
            return Ok(None);
        }
        let requested_by = format!("webhook {}", webhook.forge.as_str());
        self.jobs.submit_again(&scope, &webhook.source, &requested_by).map(|(job, _)| Some(job))
    }
}

fn unproved() -> AppError {
    AppError::new(ErrorCode::Unauthenticated, "the webhook's message is not signed with its secret")
}

pub(crate) fn purpose(id: &str) -> String {
    format!("webhook {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forge_proves_itself_in_its_way() {
        let secret = b"It's a Secret to Everybody";
        let body = b"Hello, World!";
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let delivery = Delivery { body, proof: signature, event: "push" };
        assert!(delivery.is_proved(Forge::Github, secret));
        assert!(delivery.is_proved(Forge::Bitbucket, secret));
        assert!(!delivery.is_proved(Forge::Gitlab, secret));
        assert!(Delivery { proof: "It's a Secret to Everybody", ..delivery }.is_proved(Forge::Gitlab, secret));
        for proof in ["", "sha256=", "sha256=75", "sha1=7571", "sha256=zz", &signature[..70]] {
            for forge in Forge::ALL {
                assert!(!Delivery { proof, ..delivery }.is_proved(forge, secret), "{proof}");
            }
        }
    }

    #[test]
    fn only_pushes_start_something() {
        let of = |event| Delivery { body: b"", proof: "", event };
        assert!(of("push").is_push(Forge::Github) && !of("ping").is_push(Forge::Github));
        assert!(of("Push Hook").is_push(Forge::Gitlab) && !of("Issue Hook").is_push(Forge::Gitlab));
        assert!(of("repo:push").is_push(Forge::Bitbucket) && !of("pullrequest:created").is_push(Forge::Bitbucket));
    }
}
