//! `.env.example`: what the compose file asks for. No value in it is a secret or a default of one.

use super::head;
use crate::plan::Plan;

pub(super) fn render(plan: &Plan) -> String {
    let head = head(
        plan,
        "What docker-compose.yml asks for. Copy it to .env beside the compose file, and make the secrets first.",
    );
    format!(
        r#"{head}#
# Nothing here has a default: compose refuses to start where one is missing. Make the files once:
#
#   install -d -m 0700 secrets
#   for name in postgres_password docassist_database_password redis_password qdrant_api_key docassist_secret docassist_admin_password; do
#     [ -e "secrets/$name" ] || (umask 0333; openssl rand -hex 32 > "secrets/$name")
#   done
#
# The folder lets nobody else in; the files are readable because each container reads its own as another user. Hexadecimal,
# since some of them become part of an address. Never put them into git.

# The superuser's password of PostgreSQL: for administrators; the service does not have it.
POSTGRES_PASSWORD_FILE=./secrets/postgres_password
# The password of the service's own role.
DOCASSIST_DATABASE_PASSWORD_FILE=./secrets/docassist_database_password
# What Redis asks of its clients.
REDIS_PASSWORD_FILE=./secrets/redis_password
# What Qdrant asks of its clients.
QDRANT_API_KEY_FILE=./secrets/qdrant_api_key
# What tokens are signed and sources' secrets encrypted with. Losing it means connecting every source again.
DOCASSIST_SECRET_FILE=./secrets/docassist_secret
# The password of the first account, used at the first start only.
DOCASSIST_ADMIN_PASSWORD_FILE=./secrets/docassist_admin_password
# The address of the first account: write yours.
DOCASSIST_ADMIN_EMAIL=
# Where the API can be reached: this machine alone, for a proxy that adds TLS in front.
DOCASSIST_PUBLISH=127.0.0.1:4000
"#
    )
}
