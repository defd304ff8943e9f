-- Records of all organisations. Every row carries its organisation's number, and the database itself lets a transaction
-- see and write the rows of the one organisation only that it has named (row-level security, also for the owner). Rows
-- that scans read (commits, tickets, pages) are compact; the texts that are fetched for a few rows at a time are in
-- tables of their own. Numbers are given per organisation, by its one writer.

CREATE TABLE docassist.tenants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    sequence bigint NOT NULL DEFAULT 0,
    -- The numbers that the next rows get.
    next_source integer NOT NULL DEFAULT 1,
    next_path integer NOT NULL DEFAULT 1,
    next_identity integer NOT NULL DEFAULT 1,
    next_commit bigint NOT NULL DEFAULT 1,
    next_ticket bigint NOT NULL DEFAULT 1,
    next_page bigint NOT NULL DEFAULT 1
);

CREATE TABLE docassist.sources (
    org bigint NOT NULL REFERENCES docassist.tenants (id) ON DELETE CASCADE,
    id integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    location text NOT NULL,
    cursor text NOT NULL DEFAULT 'null',  -- JSON
    projects text NOT NULL DEFAULT '[]',  -- JSON
    notes text NOT NULL DEFAULT '[]',     -- JSON
    synced bigint,
    sequence bigint NOT NULL DEFAULT 0,
    newest bigint,
    -- Commits up to this number are visible, later ones are staged: finishing a sync moves one number.
    visible_commit bigint NOT NULL DEFAULT 0,
    staged bigint NOT NULL DEFAULT 0,
    staged_newest bigint,
    PRIMARY KEY (org, id),
    UNIQUE (org, name)
);

-- `hash`: of what makes the row unique, since an index takes no long texts.
CREATE TABLE docassist.identities (
    org bigint NOT NULL,
    id integer NOT NULL,
    source integer NOT NULL,
    hash bytea NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    canonical_name text,   -- NULL until the sync that brought it has ended
    canonical_email text,
    PRIMARY KEY (org, id),
    UNIQUE (org, source, hash)
);
CREATE INDEX identities_without_canonical ON docassist.identities (org, source) WHERE canonical_email IS NULL;

CREATE TABLE docassist.paths (
    org bigint NOT NULL,
    id integer NOT NULL,
    source integer NOT NULL,
    hash bytea NOT NULL,
    path text NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, source, hash)
);

CREATE TABLE docassist.files (
    org bigint NOT NULL,
    source integer NOT NULL,
    path integer NOT NULL,
    kind smallint NOT NULL,
    size bigint NOT NULL,
    PRIMARY KEY (org, source, path)
);

CREATE TABLE docassist.commits (
    org bigint NOT NULL,
    n bigint NOT NULL,
    source integer NOT NULL,
    id bytea NOT NULL,
    parents bytea NOT NULL,       -- object names, one after the other
    author integer NOT NULL,      -- identities.id
    authored bigint NOT NULL,
    time bigint NOT NULL,
    revert boolean NOT NULL,
    subject text NOT NULL,
    subject_keys text NOT NULL,
    body_keys text NOT NULL,
    credits bytea NOT NULL,       -- encoding.rs
    changes bytea NOT NULL,       -- encoding.rs
    committer integer NOT NULL,   -- identities.id
    PRIMARY KEY (org, n)
);
-- With `n`, so that whether a commit is known, and whether it is visible, is read from the index alone.
CREATE UNIQUE INDEX commits_by_id ON docassist.commits (org, source, id) INCLUDE (n);

CREATE TABLE docassist.commit_texts (
    org bigint NOT NULL,
    n bigint NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (org, n)
);

CREATE TABLE docassist.tickets (
    org bigint NOT NULL,
    n bigint NOT NULL,
    source integer NOT NULL,
    key text NOT NULL,
    hash bytea NOT NULL,          -- of the body
    summary text NOT NULL,
    type_name text NOT NULL,
    status text NOT NULL,
    category smallint NOT NULL,
    priority text,
    assignee text,
    reporter text,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    resolved bigint,
    resolution text,
    parent text,
    epic text,
    links bytea NOT NULL,         -- encoding.rs
    mentions text NOT NULL,
    PRIMARY KEY (org, n),
    UNIQUE (org, key)
);
CREATE INDEX tickets_of_source ON docassist.tickets (org, source);

CREATE TABLE docassist.ticket_bodies (
    org bigint NOT NULL,
    n bigint NOT NULL,
    body text NOT NULL,           -- the whole ticket, JSON; the columns of `tickets` follow from it
    PRIMARY KEY (org, n)
);

CREATE TABLE docassist.pages (
    org bigint NOT NULL,
    n bigint NOT NULL,
    source integer NOT NULL,
    hash bytea NOT NULL,          -- of the path
    path text NOT NULL,
    modified bigint,
    content bytea NOT NULL,       -- hash of outline, modified and text
    outline text NOT NULL,        -- the page without its text, JSON
    PRIMARY KEY (org, n),
    UNIQUE (org, source, hash)
);

CREATE TABLE docassist.page_texts (
    org bigint NOT NULL,
    n bigint NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (org, n)
);

CREATE TABLE docassist.decisions (
    org bigint NOT NULL,
    source integer NOT NULL,
    position integer NOT NULL,
    body text NOT NULL,           -- JSON
    PRIMARY KEY (org, source, position)
);

-- What belongs to a source goes with it, and texts with what they are of. Triggers once per statement, and no references: a
-- reference is checked for every row of a bulk load.
CREATE FUNCTION docassist.remove_records() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['identities', 'paths', 'files', 'commits', 'tickets', 'pages', 'decisions']
    LOOP
        EXECUTE format('DELETE FROM docassist.%I AS rows USING gone WHERE rows.org = gone.org AND rows.source = gone.id',
            name);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER records_go_with_sources AFTER DELETE ON docassist.sources
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION docassist.remove_records();
CREATE FUNCTION docassist.remove_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM docassist.%I AS texts USING gone WHERE texts.org = gone.org AND texts.n = gone.n',
        TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE TRIGGER texts_go_with_commits AFTER DELETE ON docassist.commits REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION docassist.remove_texts('commit_texts');
CREATE TRIGGER bodies_go_with_tickets AFTER DELETE ON docassist.tickets REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION docassist.remove_texts('ticket_bodies');
CREATE TRIGGER texts_go_with_pages AFTER DELETE ON docassist.pages REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION docassist.remove_texts('page_texts');

-- The wall between organisations. A transaction names its organisation with
-- `set_config('docassist.org', …, true)`; without, it sees and writes nothing. FORCE: for the tables' owner, too.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sources', 'identities', 'paths', 'files', 'commits', 'commit_texts', 'tickets',
        'ticket_bodies', 'pages', 'page_texts', 'decisions']
    LOOP
        EXECUTE format('ALTER TABLE docassist.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE docassist.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_organisation ON docassist.%I USING '
            '(org = (SELECT nullif(current_setting(''docassist.org'', true), '''')::bigint))', name);
    END LOOP;
END $$;

-- Listeners learn of a change when it is committed.
CREATE FUNCTION docassist.tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('docassist_changes', coalesce(NEW.slug, OLD.slug));
    RETURN NULL;
END $$;
CREATE TRIGGER changes_are_told AFTER UPDATE OF sequence ON docassist.tenants
    FOR EACH ROW WHEN (OLD.sequence IS DISTINCT FROM NEW.sequence) EXECUTE FUNCTION docassist.tell_of_change();
CREATE TRIGGER removals_are_told AFTER DELETE ON docassist.tenants
    FOR EACH ROW EXECUTE FUNCTION docassist.tell_of_change();
