-- What was asked with a name for it, and answered.

-- `org` refers to nothing: on the command line, organisations have records only. What is kept for one goes with it by a
-- statement of its own.
CREATE TABLE conversations (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    org TEXT NOT NULL,
    user INTEGER REFERENCES users (id) ON DELETE CASCADE,  -- NULL: whoever has the data directory
    name TEXT NOT NULL,
    latest INTEGER NOT NULL      -- the number of the newest turn: which of them is older does not depend on clocks
);
CREATE UNIQUE INDEX conversations_by_name ON conversations (org, ifnull(user, 0), name);
CREATE INDEX conversations_by_age ON conversations (org, ifnull(user, 0), latest);
CREATE INDEX conversations_of_user ON conversations (user);

CREATE TABLE turns (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (n) ON DELETE CASCADE,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    asked INTEGER NOT NULL
);
CREATE INDEX turns_of_conversation ON turns (conversation);
