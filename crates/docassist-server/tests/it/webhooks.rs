//! Messages of forges: only signed ones start a sync, and nobody learns which addresses there are.

use docassist_model::{Forge, Role};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::call::{Answer, Call};
use crate::world::World;

/// A source with a webhook, and its admin.
struct Hooked {
    world: World,
    admin: String,
    id: String,
    secret: String,
    forge: Forge,
}

const BODY: &str = "{\"ref\":\"refs/heads/main\"}";

impl Hooked {
    async fn new(forge: Forge) -> Self {
        let world = World::new();
        world.make_org("acme");
        let admin = world.newcomer("acme", "admin@acme.example", Role::Admin);
        let source = json!({ "location": "https://127.0.0.1:9/x.git" });
        world.post("/api/v1/sync/git").token(&admin).json(source).send().await.expect(202);
        world.post("/api/v1/jobs/1/cancel").token(&admin).send().await.expect(200);
        let body = json!({ "source": "x", "forge": forge.as_str() });
        let made = world.post("/api/v1/webhooks").token(&admin).json(body).send().await.expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        assert_eq!(text("path"), format!("/api/v1/hooks/{}", text("id")));
        Self { id: text("id"), secret: text("secret"), world, admin, forge }
    }

    fn proof(&self, secret: &str, body: &str) -> String {
        if self.forge == Forge::Gitlab {
            return secret.to_owned();
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={digits}")
    }

    const fn names(&self) -> (&'static str, &'static str, &'static str) {
        match self.forge {
            Forge::Github => ("x-hub-signature-256", "x-github-event", "push"),
            Forge::Gitlab => ("x-gitlab-token", "x-gitlab-event", "Push Hook"),
            Forge::Bitbucket => ("x-hub-signature", "x-event-key", "repo:push"),
        }
    }

    fn call(&self, id: &str, body: &'static str) -> Call {
        self.world.post(&format!("/api/v1/hooks/{id}")).body("application/json", body)
    }

    async fn push(&self, proof: &str) -> Answer {
        let (header, event, push) = self.names();
        self.call(&self.id, BODY).header(header, proof).header(event, push).send().await
    }

    async fn jobs(&self) -> Value {
        self.world.get("/api/v1/jobs").token(&self.admin).send().await.expect(200)["total"].clone()
    }
}

#[tokio::test]
async fn a_signed_push_starts_a_sync_and_other_messages_none() {
    for forge in Forge::ALL {
        let hooked = Hooked::new(forge).await;
        let proof = hooked.proof(&hooked.secret, BODY);
        let (header, event, _) = hooked.names();
        let ping = hooked.call(&hooked.id, BODY).header(header, &proof).header(event, "ping").send().await;
        assert_eq!(ping.expect(202)["job"], Value::Null, "{forge:?}");
        let none = hooked.call(&hooked.id, BODY).header(header, &proof).send().await;
        assert_eq!(none.expect(202)["job"], Value::Null, "{forge:?}");
        assert_eq!(hooked.jobs().await, 1);
        let pushed = hooked.push(&proof).await.expect(202);
        assert_eq!(pushed["job"], 2, "{forge:?}");
        // A burst of pushes is one sync.
        assert_eq!(hooked.push(&proof).await.expect(202)["job"], 2);
        let audit = hooked.world.get("/api/v1/audit").token(&hooked.admin).send().await.text();
        assert!(audit.contains("webhook.push") && !audit.contains(&hooked.secret), "{audit}");
    }
}

#[tokio::test]
async fn an_unproved_message_is_told_like_one_to_an_unknown_address() {
    for forge in Forge::ALL {
        let hooked = Hooked::new(forge).await;
        let (header, event, push) = hooked.names();
        let proof = hooked.proof(&hooked.secret, BODY);
        let unknown = hooked.call("no-such-address", BODY).header(header, &proof).header(event, push).send().await;
        unknown.refused(401, "unauthenticated");
        let missing = hooked.call(&hooked.id, BODY).header(event, push).send().await;
        assert_eq!(missing.without_id(), unknown.without_id(), "{forge:?}");
        for bad in [
            hooked.proof("another secret", BODY),
            hooked.proof("", BODY),
            proof[..proof.len() - 1].to_owned(),
            format!("{proof}0"),
            format!(" {proof}x"),
            proof.replace("sha256=", "sha1="),
            proof.to_uppercase() + "x",
            "sha256=".to_owned(),
            String::new(),
            "é".to_owned(),
        ] {
            if bad == proof {
                continue;
            }
            let refused = hooked.push(&bad).await;
            assert_eq!(refused.status.as_u16(), 401, "{forge:?} {bad}: {}", refused.text());
            assert_eq!(refused.without_id(), unknown.without_id());
            assert_eq!(refused.header("www-authenticate"), unknown.header("www-authenticate"));
        }
        if forge != Forge::Gitlab {
            let call = hooked.call(&hooked.id, "{\"ref\":\"refs/heads/other\"}").header(header, &proof);
            call.header(event, push).send().await.refused(401, "unauthenticated");
        }
        assert_eq!(hooked.jobs().await, 1, "nothing was started");
    }
}

#[tokio::test]
async fn a_proof_is_good_for_its_own_forge_only() {
    let hooked = Hooked::new(Forge::Github).await;
    let plain = hooked.call(&hooked.id, BODY).header("x-gitlab-token", &hooked.secret);
    plain.header("x-gitlab-event", "Push Hook").send().await.refused(401, "unauthenticated");
    let hooked = Hooked::new(Forge::Gitlab).await;
    let empty = hooked.call(&hooked.id, BODY).header("x-gitlab-token", "").header("x-gitlab-event", "Push Hook");
    empty.send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_secret_of_a_webhook_is_shown_once_and_kept_encrypted() {
    let hooked = Hooked::new(Forge::Github).await;
    let list = hooked.world.get("/api/v1/webhooks").token(&hooked.admin).send().await;
    assert_eq!(list.expect(200)["items"][0]["id"], hooked.id);
    assert!(!list.text().contains(&hooked.secret));
    for entry in std::fs::read_dir(hooked.world.data()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(hooked.secret.len()).any(|part| part == hooked.secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_removed_webhook_hears_nothing() {
    let hooked = Hooked::new(Forge::Github).await;
    let proof = hooked.proof(&hooked.secret, BODY);
    let remove = format!("/api/v1/webhooks/{}", hooked.id);
    hooked.world.delete(&remove).token(&hooked.admin).send().await.expect(204);
    hooked.push(&proof).await.refused(401, "unauthenticated");
    hooked.world.delete(&remove).token(&hooked.admin).send().await.refused(404, "not_found");
    let hooked = Hooked::new(Forge::Github).await;
    hooked.world.delete("/api/v1/sources/x").token(&hooked.admin).send().await.expect(204);
    hooked.push(&hooked.proof(&hooked.secret, BODY)).await.refused(401, "unauthenticated");
    let body = json!({ "source": "x", "forge": "github" });
    hooked.world.post("/api/v1/webhooks").token(&hooked.admin).json(body).send().await.refused(404, "not_found");
}
