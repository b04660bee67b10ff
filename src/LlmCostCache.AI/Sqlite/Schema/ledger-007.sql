-- Old months move into files of their own, in the directory 'archive' beside the ledger. The chain of hashes stays one: the first row that is still here continues
-- the hash of the last one that moved.
CREATE TABLE archive (
    number INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    previous_hash BLOB NOT NULL,
    last_hash BLOB NOT NULL,
    booked_nanos TEXT NOT NULL, -- the sum of the rows; may be longer than 64 bits
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    late_adjustments INTEGER NOT NULL, -- rows in it that adjust one of an earlier file
    conversions INTEGER NOT NULL, -- rows in it that name an exchange rate
    made_at INTEGER NOT NULL,
    moved_through INTEGER NOT NULL, -- rows up to here are in the file alone, later ones still here too: they are moved in small steps, beside whoever writes
    moved_hash BLOB NOT NULL -- of that row
) STRICT;

-- The ids of rows that moved, so that none is ever written again: the 16 bytes of a UUID behind a 1, or of a digest behind a 2.
CREATE TABLE archived_id (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- What moved, added up for budgets that the quarter-hours cannot answer: by file, session, model, tags and names. A budget that begins to be counted, and a check of one, need no file
-- unless its window begins or ends in the midst of such a sum.
CREATE TABLE archived_sum (
    archive INTEGER NOT NULL REFERENCES archive (number),
    digest BLOB NOT NULL,
    session TEXT,
    requested_model TEXT,
    model_key TEXT,
    tags TEXT,
    tenant TEXT,
    project TEXT,
    team TEXT,
    user TEXT,
    feature TEXT,
    agent TEXT,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    booked_nanos INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (archive, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX archived_sum_session ON archived_sum (session) WHERE session IS NOT NULL;

-- An adjustment may name a row that moved. The constraint stands in the text of the table alone, so that only this is changed (sqlite.org/lang_altertable.html, "otheralter").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES entry (seq)', '') WHERE type = 'table' AND name = 'entry';
PRAGMA writable_schema = RESET;
