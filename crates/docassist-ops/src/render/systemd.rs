//! The same deployment without containers: a unit for the service, and drop-ins for Debian's PostgreSQL and Redis.

use super::{comment, head};
use crate::plan::{Plan, Resources, Service};
use crate::quantity::{short_bytes, whole_mib};

/// Limits as systemd has them.
fn limits(resources: Resources) -> String {
    let high = short_bytes(whole_mib(resources.memory_limit / 10 * 9));
    format!(
        "# The plan's limit: above it the kernel ends a process of the service, not of another one.\n\
         MemoryMax={}\n\
         # Above nine tenths of it the service is slowed down and its page cache reclaimed first.\n\
         MemoryHigh={high}\n\
         # Kept for it when memory is short.\n\
         MemoryLow={}\n\
         # The plan's limit of processors.\n\
         CPUQuota={}%\n",
        short_bytes(resources.memory_limit),
        short_bytes(resources.memory_reserved),
        (resources.millicpus_limit / 10).max(1),
    )
}

pub(super) fn service(plan: &Plan) -> String {
    let head = head(plan, "docassist as a service of systemd: /etc/systemd/system/docassist.service.");
    let limits = limits(plan.resources(Service::Api));
    let mut options = String::new();
    let mut why = String::new();
    for setting in &plan.api {
        options.push_str(&format!(" \\\n    --{}={}", setting.name, setting.value.plain()));
        why.push_str(&comment("", &format!("--{}: {}", setting.name, super::reason(&setting.why, &setting.formula))));
    }
    format!(
        r#"{head}
[Unit]
Description=Documentation Assistant
# It starts without them and waits; after them there is nothing to wait for.
Wants=network-online.target
After=network-online.target postgresql.service redis-server.service

[Service]
# A user of its own; `useradd --system --home-dir /var/lib/docassist --shell /usr/sbin/nologin docassist` makes it.
User=docassist
Group=docassist
# Addresses and what else is no secret: see docassist.env.example.
EnvironmentFile=/etc/docassist/docassist.env
# Secrets are handed over by systemd: readable by this service alone, in no environment and on no command line.
LoadCredential=secret:/etc/docassist/secrets/docassist_secret
LoadCredential=database_password:/etc/docassist/secrets/docassist_database_password
LoadCredential=redis_password:/etc/docassist/secrets/redis_password
LoadCredential=admin_password:/etc/docassist/secrets/docassist_admin_password
Environment=DOCASSIST_SECRET_FILE=%d/secret
Environment=DOCASSIST_DATABASE_PASSWORD_FILE=%d/database_password
Environment=DOCASSIST_REDIS_PASSWORD_FILE=%d/redis_password
# Where its data is; systemd makes the folder and gives it to the user.
Environment=DOCASSIST_DATA=/var/lib/docassist
StateDirectory=docassist
StateDirectoryMode=0750
{why}ExecStart=/usr/local/bin/docassist serve \
    --admin-password-file=%d/admin_password{options}
# It ends requests first and puts running syncs back into the queue.
KillSignal=SIGTERM
TimeoutStopSec=45
# Whatever ended it, it comes back, and not in a tight loop.
Restart=on-failure
RestartSec=2

{limits}# Connections and repositories' files.
LimitNOFILE=65536
# git's processes are few; so many are a fault.
TasksMax=512

# Neither it nor git, which it starts, can gain rights.
NoNewPrivileges=yes
# No rights of root's at all: it listens above port 1024.
CapabilityBoundingSet=
AmbientCapabilities=
# The whole system is read-only but its own folder.
ProtectSystem=strict
ReadWritePaths=/var/lib/docassist
# Homes are not there; a repository below one needs BindReadOnlyPaths= in a drop-in.
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
# Neither clock, host's name, kernel's settings and modules nor its log are its affair.
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
# Other users' processes are not to be seen.
ProtectProc=invisible
ProcSubset=all
# The internet, and sockets of this machine.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# Nothing it runs makes code while it runs.
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# What it writes is for itself.
UMask=0077

[Install]
WantedBy=multi-user.target
"#
    )
}

pub(super) fn environment(plan: &Plan) -> String {
    let head = head(plan, "What docassist.service reads: /etc/docassist/docassist.env, owner root, mode 0600.");
    format!(
        "{head}
# This machine alone, for a proxy that adds TLS in front.
DOCASSIST_LISTEN=127.0.0.1:4000
# The database; its password is a credential of the unit.
DOCASSIST_DATABASE=postgres://docassist@127.0.0.1:5432/docassist
# Redis; its password is a credential of the unit.
DOCASSIST_REDIS_URL=redis://127.0.0.1:6379/0
# The address of the first account, needed at the first start only: write yours.
DOCASSIST_ADMIN_EMAIL=
# One object a line, which log collectors read.
DOCASSIST_LOG_FORMAT=json
"
    )
}

pub(super) fn postgres(plan: &Plan) -> String {
    let head = head(
        plan,
        "A drop-in for Debian's PostgreSQL: /etc/systemd/system/postgresql@15-main.service.d/docassist.conf. The settings \
         themselves go to /etc/postgresql/15/main/conf.d/docassist.conf: copy postgresql.conf there, and restart.",
    );
    format!(
        "{head}
[Service]
{}# The main process is never the one that is ended for want of memory: without it all connections are lost.
OOMScoreAdjust=-900
",
        limits(plan.resources(Service::Postgres))
    )
}

pub(super) fn redis(plan: &Plan) -> String {
    let head = head(
        plan,
        "A drop-in for Debian's Redis: /etc/systemd/system/redis-server.service.d/docassist.conf. Copy redis.conf to \
         /etc/docassist/redis.conf; the password goes into /etc/docassist/redis-password.conf as `requirepass …`, mode 0640, group redis.",
    );
    format!(
        "{head}
[Service]
# Our file instead of Debian's, this machine's address alone, and the file with the password: Redis does not start without.
ExecStart=
ExecStart=/usr/bin/redis-server /etc/docassist/redis.conf --include /etc/docassist/redis-password.conf \\
    --bind 127.0.0.1 -::1 --port 6379 --dir /var/lib/redis --supervised systemd --daemonize no
ReadOnlyPaths=/etc/docassist
# Ours writes no file that Debian's unit would look for.
Type=notify
PIDFile=
{}",
        limits(plan.resources(Service::Redis))
    )
}
