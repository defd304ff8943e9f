-- What was asked with a name for it, and answered.

-- `org` refers to nothing: on the command line, organisations have records only. What is kept for one goes with it by a
-- statement of its own.
CREATE TABLE docassist.conversations (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text COLLATE "C" NOT NULL,
    user_id bigint REFERENCES docassist.users (id) ON DELETE CASCADE,  -- NULL: whoever has the database's password
    hash bytea NOT NULL,         -- of the name, since an index takes no long texts
    name text COLLATE "C" NOT NULL,
    latest bigint NOT NULL       -- the number of the newest turn: which of them is older does not depend on clocks
);
CREATE UNIQUE INDEX conversations_by_name ON docassist.conversations (org, coalesce(user_id, 0), hash);
CREATE INDEX conversations_by_age ON docassist.conversations (org, coalesce(user_id, 0), latest);
CREATE INDEX conversations_of_user ON docassist.conversations (user_id);

CREATE TABLE docassist.turns (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation bigint NOT NULL REFERENCES docassist.conversations (n) ON DELETE CASCADE,
    question text NOT NULL,
    answer text NOT NULL,
    asked bigint NOT NULL
);
CREATE INDEX turns_of_conversation ON docassist.turns (conversation, n);
