//! The four services of the compose file.

use super::{IMAGE_POSTGRES, IMAGE_QDRANT, IMAGE_REDIS, resources};
use crate::plan::{Plan, Service, Setting};
use crate::render::hba::ROLE;
use crate::render::{comment, reason};

/// What every service of ours has: no rights of root's, and a file system that cannot be written to.
const HARDENED: &str = "    # A file system that cannot be written to: what is written is named below.
    read_only: true
    # None of root's rights: the user is not root, and needs none.
    cap_drop:
      - ALL
    security_opt: *security
    logging: *logging
    # It comes back after a crash and a reboot, and stays down when somebody has stopped it.
    restart: unless-stopped
";

fn because(indent: &str, setting: &Setting) -> String {
    comment(indent, &reason(&setting.why, &setting.formula))
}

pub(super) fn postgres(plan: &Plan) -> String {
    let shm = &plan.postgres_shm;
    format!(
        r#"  postgres:
    # On a fixed Debian: another C library may sort texts differently, and indexes would be wrong.
    image: {IMAGE_POSTGRES}
    # The image's own user postgres, by number: the entrypoint needs no root to become it.
    user: "999:999"
{HARDENED}    command:
      - postgres
      # The generated settings instead of the image's.
      - -c
      - config_file=/etc/postgresql/postgresql.conf
      # Who may connect.
      - -c
      - hba_file=/etc/postgresql/pg_hba.conf
      # All addresses of the container: without it, only its own.
      - -c
      - listen_addresses=*
    environment:
      # Administrators' role; the service has its own, see initdb/10-docassist.sh.
      POSTGRES_USER: postgres
      # A file, so that the password is in no variable.
      POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password
      # At the first start only. Checksums tell a damaged disk; the order of C.UTF-8 is the same in every version of the C
      # library; passwords are asked of everybody.
      POSTGRES_INITDB_ARGS: --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256
    secrets:
      - postgres_password
      # For the script that makes the service's role.
      - docassist_database_password
    volumes:
      - postgres_data:/var/lib/postgresql/data
      - ./postgresql.conf:/etc/postgresql/postgresql.conf:ro
      - ./pg_hba.conf:/etc/postgresql/pg_hba.conf:ro
      - ./initdb:/docker-entrypoint-initdb.d:ro
    tmpfs:
      # Its socket.
      - /var/run/postgresql:uid=999,gid=999,mode=0775
      - /tmp:mode=1777
{shm_why}    shm_size: {shm_size}
    networks:
      - backend
    healthcheck:
      # Over TCP: while the first start's scripts run the server listens at its socket only, and is not ready.
      test: ["CMD", "pg_isready", "--host=127.0.0.1", "--username={ROLE}", "--dbname={ROLE}", "--quiet"]
      interval: 10s
      timeout: 5s
      retries: 6
      # A first start, or recovery after a crash, may take so long before failures count.
      start_period: 120s
    # A checkpoint at the end, so that the next start needs no recovery.
    stop_grace_period: 90s
{resources}"#,
        shm_why = because("    ", shm),
        shm_size = shm.value.plain(),
        resources = resources(plan, Service::Postgres),
    )
}

pub(super) fn redis(plan: &Plan) -> String {
    format!(
        r#"  redis:
    # The last line of Redis 7 under the BSD licence.
    image: {IMAGE_REDIS}
    # The image's own user redis, by number.
    user: "999:999"
{HARDENED}    # The password joins the settings in memory: it is on no command line. Its own network alone reaches it.
    entrypoint: ["/bin/sh", "-euc"]
    command:
      - |
        umask 077
        password="$$(cat /run/secrets/redis_password)"
        cat /etc/redis/redis.conf > /run/redis/redis.conf
        printf '\nrequirepass %s\n' "$$password" >> /run/redis/redis.conf
        exec redis-server /run/redis/redis.conf --bind 0.0.0.0 --dir /data
    secrets:
      - redis_password
    volumes:
      - ./redis.conf:/etc/redis/redis.conf:ro
    tmpfs:
      # The settings with the password.
      - /run/redis:uid=999,gid=999,mode=0700
      # The image declares a volume there; a cache leaves nothing behind.
      - /data:uid=999,gid=999,mode=0700
    networks:
      - backend
    healthcheck:
      test: ["CMD-SHELL", "REDISCLI_AUTH=\"$$(cat /run/secrets/redis_password)\" redis-cli ping | grep -q PONG"]
      interval: 10s
      timeout: 3s
      retries: 3
      start_period: 5s
{resources}"#,
        resources = resources(plan, Service::Redis),
    )
}

pub(super) fn qdrant(plan: &Plan) -> String {
    let mut settings = String::new();
    for setting in &plan.qdrant {
        settings.push_str(&because("      ", setting));
        settings.push_str(&format!("      {}: \"{}\"\n", setting.name, setting.value.plain()));
    }
    format!(
        r#"  qdrant:
    # The image that was built for a user who is not root.
    image: {IMAGE_QDRANT}
    user: "1000:1000"
{HARDENED}    # Qdrant reads its key from a variable only: it is set for its process alone, not in the container's settings.
    entrypoint: ["/bin/sh", "-euc"]
    command:
      - |
        QDRANT__SERVICE__API_KEY="$$(cat /run/secrets/qdrant_api_key)"
        export QDRANT__SERVICE__API_KEY
        exec ./entrypoint.sh
    environment:
      # Nothing is told to its makers: who asks what is the organisations' affair.
      QDRANT__TELEMETRY_DISABLED: "true"
      # Where it may write that it has started; its usual place is read-only here.
      QDRANT_INIT_FILE_PATH: /qdrant/init/.qdrant-initialized
{settings}    secrets:
      - qdrant_api_key
    volumes:
      - qdrant_data:/qdrant/storage
      - qdrant_snapshots:/qdrant/snapshots
    tmpfs:
      - /qdrant/init:uid=1000,gid=1000,mode=0700
      - /tmp:mode=1777
    ulimits:
      # Each segment of each collection has files open.
      nofile: 65536
    networks:
      - backend
    healthcheck:
      # The image has no curl; bash can ask by itself.
      test:
        - CMD
        - bash
        - -c
        - |-
          exec 3<>/dev/tcp/127.0.0.1/6333; printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3; head -n 1 <&3 | grep -q ' 200 '
      interval: 10s
      timeout: 5s
      retries: 6
      # Collections are loaded first.
      start_period: 60s
    # What is in memory is written.
    stop_grace_period: 30s
{resources}"#,
        resources = resources(plan, Service::Qdrant),
    )
}

pub(super) fn api(plan: &Plan) -> String {
    let mut options = String::new();
    let mut why = String::new();
    for setting in &plan.api {
        options.push_str(&format!("      - --{}={}\n", setting.name, setting.value.plain()));
        why.push_str(&comment("    ", &format!("--{}: {}", setting.name, reason(&setting.why, &setting.formula))));
    }
    format!(
        r#"  api:
    # Built from this repository; DOCASSIST_VERSION names the image so that an upgrade can be undone.
    image: docassist:${{DOCASSIST_VERSION:-local}}
    build:
      context: ..
      dockerfile: deploy/Dockerfile
    # The image's own user, by number.
    user: "10001:10001"
    # git leaves processes behind when it is stopped; init takes care of them.
    init: true
{HARDENED}{why}    command:
      - serve
      - --admin-password-file=/run/secrets/docassist_admin_password
{options}    environment:
      # All addresses of the container; who reaches them is decided by `ports`.
      DOCASSIST_LISTEN: 0.0.0.0:4000
      # Clones and uploads.
      DOCASSIST_DATA: /var/lib/docassist
      # The service's own role, which is no superuser: policies hold for it.
      DOCASSIST_DATABASE: postgres://{ROLE}@postgres:5432/{ROLE}
      DOCASSIST_DATABASE_PASSWORD_FILE: /run/secrets/docassist_database_password
      # Without its password, so that `docker compose exec api docassist doctor` finds both as well.
      DOCASSIST_REDIS_URL: redis://redis:6379/0
      DOCASSIST_REDIS_PASSWORD_FILE: /run/secrets/redis_password
      # REST, by which doctor and monitor look at the collections.
      DOCASSIST_QDRANT_URL: http://qdrant:6333
      # gRPC, by which searches go.
      DOCASSIST_QDRANT_GRPC_URL: http://qdrant:6334
      DOCASSIST_QDRANT_API_KEY_FILE: /run/secrets/qdrant_api_key
      DOCASSIST_SECRET_FILE: /run/secrets/docassist_secret
      # The first account; there is no default one.
      DOCASSIST_ADMIN_EMAIL: ${{DOCASSIST_ADMIN_EMAIL:?write the first account's address in .env}}
      # One object a line, which log collectors read.
      DOCASSIST_LOG_FORMAT: json
    secrets:
      - docassist_secret
      - docassist_database_password
      - docassist_admin_password
      - redis_password
      - qdrant_api_key
    volumes:
      - api_data:/var/lib/docassist
      # What the servers should run with: docker compose exec api docassist doctor --deploy /etc/docassist/deploy
      - ./postgresql.conf:/etc/docassist/deploy/postgresql.conf:ro
      - ./redis.conf:/etc/docassist/deploy/redis.conf:ro
    tmpfs:
      - /tmp:mode=1777
    ports:
      # This machine alone unless .env says otherwise: a proxy in front adds TLS.
      - "${{DOCASSIST_PUBLISH:-127.0.0.1:4000}}:4000"
    networks:
      - backend
      - frontend
    depends_on:
      # Nothing can be answered without the store.
      postgres:
        condition: service_healthy
      # Without them answers are slower or fewer, and they are tried again: no reason to wait.
      redis:
        condition: service_started
      qdrant:
        condition: service_started
    healthcheck:
      # The image has no curl; bash can ask by itself. Ready, not live: the store can be read.
      test:
        - CMD
        - bash
        - -c
        - |-
          exec 3<>/dev/tcp/127.0.0.1/4000; printf 'GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3; head -n 1 <&3 | grep -q ' 200 '
      interval: 10s
      timeout: 5s
      retries: 6
      # Migrations of the store come first.
      start_period: 60s
    # Requests end, and syncs go back into the queue.
    stop_grace_period: 45s
{resources}"#,
        resources = resources(plan, Service::Api),
    )
}
