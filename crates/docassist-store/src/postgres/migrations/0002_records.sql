-- Vectors of texts by the hash of what they were computed from. They follow from texts and a model; what is lost is computed
-- again. References cascade past row-level security.
CREATE TABLE docassist.vectors (
    org bigint NOT NULL REFERENCES docassist.tenants (id) ON DELETE CASCADE,
    model text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,          -- SHA-256 of what the vector was computed from
    vector bytea NOT NULL,        -- 32-bit numbers, little-endian; their number follows from the length
    PRIMARY KEY (org, model, hash)
);
-- Nothing of them can be compressed: trying costs time.
ALTER TABLE docassist.vectors ALTER COLUMN vector SET STORAGE EXTERNAL;
ALTER TABLE docassist.vectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE docassist.vectors FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organisation ON docassist.vectors USING
    (org = (SELECT nullif(current_setting('docassist.org', true), '')::bigint));
