-- Vectors of texts of one organisation. All of it can be computed again.

-- With a row number: rows are long, and an index by hash, which falls at random, is to have short entries.
CREATE TABLE vectors (
    n INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    hash BLOB NOT NULL,          -- SHA-256 of what the vector was computed from
    vector BLOB NOT NULL,        -- 32-bit numbers, little-endian; their number follows from the length
    UNIQUE (model, hash)
);
