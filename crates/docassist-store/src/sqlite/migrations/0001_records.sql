-- Records of one organisation. Rows that scans read (commits, tickets, pages) are compact; the texts that are fetched
-- for a few rows at a time (messages, whole tickets, page texts) are in tables of their own.

CREATE TABLE state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    sequence INTEGER NOT NULL
);
INSERT INTO state (only_row, sequence) VALUES (1, 0);

-- AUTOINCREMENT: a removed source's number is never given to another one.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    location TEXT NOT NULL,
    cursor TEXT NOT NULL DEFAULT 'null',  -- JSON
    projects TEXT NOT NULL DEFAULT '[]',  -- JSON
    notes TEXT NOT NULL DEFAULT '[]',     -- JSON
    synced INTEGER,
    sequence INTEGER NOT NULL DEFAULT 0,
    newest INTEGER,
    -- Commits up to this row are visible, later ones are staged: finishing a sync moves one number.
    visible_commit INTEGER NOT NULL DEFAULT 0,
    staged INTEGER NOT NULL DEFAULT 0,
    staged_newest INTEGER
);

CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    canonical_name TEXT,   -- NULL until the sync that brought it has ended
    canonical_email TEXT,
    UNIQUE (source, email, name)
);
CREATE INDEX identities_without_canonical ON identities (source) WHERE canonical_email IS NULL;

CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    UNIQUE (source, path)
);

CREATE TABLE files (
    path INTEGER PRIMARY KEY REFERENCES paths (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    size INTEGER NOT NULL
);

-- AUTOINCREMENT: a removed commit's row number is never used again, so that no staged commit can get one below
-- `visible_commit`.
CREATE TABLE commits (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    parents BLOB NOT NULL,       -- object names, one after the other
    author INTEGER NOT NULL,     -- identities.id
    authored INTEGER NOT NULL,
    time INTEGER NOT NULL,
    revert INTEGER NOT NULL,
    subject TEXT NOT NULL,
    subject_keys TEXT NOT NULL,
    body_keys TEXT NOT NULL,
    credits BLOB NOT NULL,       -- encoding.rs
    changes BLOB NOT NULL        -- encoding.rs
);

-- The visible commits by object name. Staged ones are entered when their sync ends, all at once and in order: names are
-- random, and entering each batch would write the whole index anew every time.
CREATE TABLE commit_ids (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) WITHOUT ROWID;

CREATE TABLE commit_texts (
    n INTEGER PRIMARY KEY REFERENCES commits (n) ON DELETE CASCADE,
    committer INTEGER NOT NULL,  -- identities.id
    message TEXT NOT NULL
);

CREATE TABLE tickets (
    n INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    key TEXT NOT NULL UNIQUE,
    summary TEXT NOT NULL,
    type_name TEXT NOT NULL,
    status TEXT NOT NULL,
    category INTEGER NOT NULL,
    priority TEXT,
    assignee TEXT,
    reporter TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    resolved INTEGER,
    resolution TEXT,
    parent TEXT,
    epic TEXT,
    links BLOB NOT NULL,         -- encoding.rs
    mentions TEXT NOT NULL
);
CREATE INDEX tickets_of_source ON tickets (source);

CREATE TABLE ticket_bodies (
    n INTEGER PRIMARY KEY REFERENCES tickets (n) ON DELETE CASCADE,
    body TEXT NOT NULL           -- the whole ticket, JSON; the columns of `tickets` follow from it
);

CREATE TABLE pages (
    n INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    modified INTEGER,
    outline TEXT NOT NULL,       -- the page without its text, JSON
    UNIQUE (source, path)
);

CREATE TABLE page_texts (
    n INTEGER PRIMARY KEY REFERENCES pages (n) ON DELETE CASCADE,
    text TEXT NOT NULL
);

CREATE TABLE decisions (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,          -- JSON
    PRIMARY KEY (source, position)
) WITHOUT ROWID;
