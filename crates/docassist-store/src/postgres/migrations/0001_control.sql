-- What the service keeps besides records. Instants are seconds since 1970; secrets are hashed or encrypted. Texts are
-- compared and ordered by their bytes (COLLATE "C"), whatever the database's own order is, as the other backend does.
--
-- No row-level security here, as there is for records: a log-in, a claim, a schedule and a list of organisations ask
-- across organisations, and what they ask of is these same tables. Every statement of one organisation names it.

CREATE TABLE docassist.orgs (
    slug text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    created bigint NOT NULL,
    -- The last audit entry before the organisation was made: an earlier one of the same name is not its own.
    audit_after bigint NOT NULL
);

-- Identity columns never give the number of something that was removed to something else.
CREATE TABLE docassist.users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text COLLATE "C" NOT NULL UNIQUE,  -- in lower case
    name text NOT NULL,
    password_hash text NOT NULL,
    operator boolean NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    created bigint NOT NULL
);

CREATE TABLE docassist.members (
    user_id bigint NOT NULL REFERENCES docassist.users (id) ON DELETE CASCADE,
    org text COLLATE "C" NOT NULL REFERENCES docassist.orgs (slug) ON DELETE CASCADE,
    role text NOT NULL,
    PRIMARY KEY (user_id, org)
);
CREATE INDEX members_of_org ON docassist.members (org);

-- Not tied to a membership: an operator has keys without one.
CREATE TABLE docassist.keys (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    org text COLLATE "C" NOT NULL REFERENCES docassist.orgs (slug) ON DELETE CASCADE,
    user_id bigint NOT NULL REFERENCES docassist.users (id) ON DELETE CASCADE,
    name text NOT NULL,
    scope text NOT NULL,
    created bigint NOT NULL,
    expires bigint,
    last_used bigint,
    revoked bigint
);
CREATE INDEX keys_of_org ON docassist.keys (org);
CREATE INDEX keys_of_user ON docassist.keys (user_id);

-- Who locks rows of users, sessions and tokens in one transaction does so in this order.
CREATE TABLE docassist.sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES docassist.users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_of_user ON docassist.sessions (user_id);

-- Used tokens stay until they end, so that one that is handed in twice is noticed.
CREATE TABLE docassist.tokens (
    hash bytea PRIMARY KEY,
    session bigint NOT NULL REFERENCES docassist.sessions (id) ON DELETE CASCADE,
    used boolean NOT NULL DEFAULT false,
    expires bigint NOT NULL
);
CREATE INDEX tokens_of_session ON docassist.tokens (session);
CREATE INDEX tokens_by_end ON docassist.tokens (expires);

-- No references: entries outlive what they are about.
CREATE TABLE docassist.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time bigint NOT NULL,
    org text COLLATE "C",
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    address text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX audit_of_org ON docassist.audit (org, id);

CREATE FUNCTION docassist.refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are never changed or removed';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON docassist.audit
    FOR EACH STATEMENT EXECUTE FUNCTION docassist.refuse_change_of_audit();
-- Also for a session that says it only replays what happened elsewhere.
ALTER TABLE docassist.audit ENABLE ALWAYS TRIGGER audit_is_not_changed;

CREATE TABLE docassist.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text COLLATE "C" NOT NULL REFERENCES docassist.orgs (slug) ON DELETE CASCADE,
    kind text NOT NULL,
    source text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    request text NOT NULL,           -- JSON
    secret bytea,                    -- NULL once the job has ended
    requested_by text NOT NULL,
    created bigint NOT NULL,
    alone boolean NOT NULL,          -- queued beside others of its source
    place text COLLATE "C",          -- the data directory that what it brings lies in; NULL: any will do
    started bigint,
    finished bigint,
    attempts bigint NOT NULL DEFAULT 0,
    cancel_requested boolean NOT NULL DEFAULT false,
    phase text NOT NULL DEFAULT '',
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    result text,                     -- JSON
    error text,
    owner text,                      -- while it runs
    lease_until bigint               -- while it runs
);
CREATE UNIQUE INDEX one_job_waits_per_source ON docassist.jobs (org, source) WHERE state = 'queued' AND NOT alone;
CREATE UNIQUE INDEX one_job_runs_per_org ON docassist.jobs (org) WHERE state = 'running';
CREATE INDEX jobs_of_org ON docassist.jobs (org, id);
CREATE INDEX jobs_of_source ON docassist.jobs (org, source, id);
-- Of many that have ended, the few that have not.
CREATE INDEX open_jobs ON docassist.jobs (id) WHERE state IN ('queued', 'running');
CREATE INDEX open_jobs_of_org ON docassist.jobs (org, id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_end ON docassist.jobs (finished) WHERE finished IS NOT NULL;

CREATE TABLE docassist.source_settings (
    org text COLLATE "C" NOT NULL REFERENCES docassist.orgs (slug) ON DELETE CASCADE,
    source text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    request text NOT NULL,           -- JSON
    secret bytea,
    every bigint,
    due bigint,
    PRIMARY KEY (org, source)
);
CREATE INDEX source_settings_by_due ON docassist.source_settings (due) WHERE due IS NOT NULL;

CREATE TABLE docassist.webhooks (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    org text COLLATE "C" NOT NULL REFERENCES docassist.orgs (slug) ON DELETE CASCADE,
    source text COLLATE "C" NOT NULL,
    forge text NOT NULL,
    secret bytea NOT NULL,
    created bigint NOT NULL
);
CREATE INDEX webhooks_of_source ON docassist.webhooks (org, source);

-- What is made once and has to be the same for all processes.
CREATE TABLE docassist.fixtures (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);
