-- What an index follows documents by (derived.rs). NULL in rows that were written before the column was there: it follows from
-- their texts, too.
ALTER TABLE tickets ADD COLUMN fingerprint INTEGER;
ALTER TABLE pages ADD COLUMN fingerprint INTEGER;
