//! The process that owns the servers: they end when it does, however it ends.

use anyhow::{Context, Result, bail};
use docassist_testing::{PostgresServer, RedisServer};

use super::LOOK;
use super::folder::Folder;
use super::state::State;

/// The service's database; the role is the one of that name that every test server has.
const DATABASE: &str = "docassist";
/// Who may read everything, for `docassist backup` (docs/backups.md).
const BACKUP_ROLE: &str = "docassist_backup";

/// Starts the servers, tells where they are, and waits until they are to end.
pub(super) fn hold(folder: &Folder) -> Result<()> {
    let Some(_lock) = folder.lock()? else { bail!("another stack is up in {}", folder.path().display()) };
    let file = |name: &str| {
        let path = folder.deploy().join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let postgres = PostgresServer::with_configuration(&file("postgresql.conf")?).context("there is no PostgreSQL")?;
    let redis = RedisServer::with_configuration(&file("redis.conf")?).context("there is no Redis")?;
    let state = set_up(folder, &postgres, &redis)?;
    folder.tell(&state)?;
    while !folder.is_to_end() {
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Role, database and extension, as `deploy/initdb/10-docassist.sh` makes them, and the role that dumps.
fn set_up(folder: &Folder, postgres: &PostgresServer, redis: &RedisServer) -> Result<State> {
    let first = postgres.database();
    let (server, made) = first.rsplit_once('/').context("an address without a database")?;
    postgres.psql("postgres", &format!("ALTER DATABASE {made} RENAME TO {DATABASE}"));
    let password = server.rsplit_once('@').and_then(|(user, _)| user.rsplit_once(':')).map(|(_, password)| password);
    let password = password.context("an address without a password")?;
    postgres.psql(
        DATABASE,
        &format!(
            "GRANT pg_monitor TO docassist; CREATE EXTENSION IF NOT EXISTS pg_stat_statements; \
             CREATE ROLE {BACKUP_ROLE} LOGIN BYPASSRLS PASSWORD '{password}' IN ROLE pg_read_all_data"
        ),
    );
    let port = postgres.port();
    let backup = format!("postgres://{BACKUP_ROLE}:{password}@127.0.0.1:{port}/{DATABASE}");
    let environment = [
        ("DOCASSIST_DATABASE", format!("{server}/{DATABASE}")),
        ("DOCASSIST_REDIS_URL", redis.url()),
        ("DOCASSIST_BACKUP_DATABASE", backup),
    ];
    Ok(State {
        holder: std::process::id(),
        postgres_port: port,
        redis_port: redis.port(),
        superuser: postgres.superuser_url(DATABASE),
        deploy: folder.deploy().display().to_string(),
        program: folder.program(),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    })
}
