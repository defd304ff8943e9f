-- What the service keeps besides records. Instants are seconds since 1970; secrets are hashed or encrypted.

CREATE TABLE orgs (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    -- The last audit entry before the organisation was made: an earlier one of the same name is not its own.
    audit_after INTEGER NOT NULL
) WITHOUT ROWID;

-- AUTOINCREMENT, here and below: the number of something that was removed is never given to something else.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,  -- in lower case
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    operator INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
);

CREATE TABLE members (
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    org TEXT NOT NULL REFERENCES orgs (slug) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user, org)
) WITHOUT ROWID;
CREATE INDEX members_of_org ON members (org);

-- Not tied to a membership: an operator has keys without one.
CREATE TABLE keys (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    org TEXT NOT NULL REFERENCES orgs (slug) ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    revoked INTEGER
);
CREATE INDEX keys_of_org ON keys (org);
CREATE INDEX keys_of_user ON keys (user);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_of_user ON sessions (user);

-- Used tokens stay until they end, so that one that is handed in twice is noticed.
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_of_session ON tokens (session);
CREATE INDEX tokens_by_end ON tokens (expires);

-- No references: entries outlive what they are about.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    org TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_of_org ON audit (org);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END;
-- INSERT OR REPLACE removes a row without asking the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit entries are never replaced'); END;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    org TEXT NOT NULL REFERENCES orgs (slug) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,           -- JSON
    secret BLOB,                     -- NULL once the job has ended
    requested_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    alone INTEGER NOT NULL,          -- queued beside others of its source
    started INTEGER,
    finished INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER,
    result TEXT,                     -- JSON
    error TEXT,
    owner TEXT,                      -- while it runs
    lease_until INTEGER              -- while it runs
);
CREATE UNIQUE INDEX one_job_waits_per_source ON jobs (org, source) WHERE state = 'queued' AND NOT alone;
CREATE UNIQUE INDEX one_job_runs_per_org ON jobs (org) WHERE state = 'running';
CREATE INDEX jobs_of_org ON jobs (org);
CREATE INDEX jobs_of_source ON jobs (org, source);
CREATE INDEX jobs_in_state ON jobs (state);
CREATE INDEX jobs_by_end ON jobs (finished) WHERE finished IS NOT NULL;

CREATE TABLE source_settings (
    org TEXT NOT NULL REFERENCES orgs (slug) ON DELETE CASCADE,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,           -- JSON
    secret BLOB,
    every INTEGER,
    due INTEGER,
    PRIMARY KEY (org, source)
) WITHOUT ROWID;
CREATE INDEX source_settings_by_due ON source_settings (due) WHERE due IS NOT NULL;

CREATE TABLE webhooks (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    org TEXT NOT NULL REFERENCES orgs (slug) ON DELETE CASCADE,
    source TEXT NOT NULL,
    forge TEXT NOT NULL,
    secret BLOB NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX webhooks_of_source ON webhooks (org, source);

-- What is made once and has to be the same for all processes.
CREATE TABLE fixtures (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
