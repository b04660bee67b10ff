-- What people and housekeeping ask about stands in narrow rows; the answers themselves stand apart, so that a list, an eviction or a count of
-- hits reads and writes none of them. A look-up finds the id in the index over the keys and then the frame: two trees, as before.
DROP TRIGGER answer_removed;
DROP INDEX answer_expires_at;
ALTER TABLE answer RENAME TO answer_1;

-- Times are Unix milliseconds, except asked_at (a stamp, UTC ticks). model, namespace, tenant and system_prompt are labels: the names
-- themselves, or their keyed digests when answers are encrypted.
CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,                    -- 1 chat, 2 embedding
    asked_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,              -- not before expires_at
    used_at INTEGER NOT NULL,                 -- stored_at until the first hit
    hits INTEGER NOT NULL DEFAULT 0,          -- of any layer, this machine's processes together
    saved_nanos INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,                   -- of frame and outline
    tagged INTEGER NOT NULL,
    sealed_by INTEGER NOT NULL DEFAULT 0,     -- the id of the key that encrypted it, 0 for none
    model TEXT NOT NULL,
    namespace TEXT NOT NULL DEFAULT '',
    tenant TEXT,
    system_prompt TEXT);

CREATE TABLE answer_frame (answer INTEGER PRIMARY KEY, frame BLOB NOT NULL);

CREATE TABLE answer_outline (answer INTEGER PRIMARY KEY, outline BLOB NOT NULL);

INSERT OR IGNORE INTO answer (id, key, kind, asked_at, stored_at, expires_at, kept_until, used_at, bytes, tagged, model)
    SELECT rowid, key, CASE WHEN substr(frame, 5, 1) = X'02' THEN 2 ELSE 1 END, asked_at, asked_at / 10000 - 62135596800000,
           expires_at, expires_at, asked_at / 10000 - 62135596800000, length(frame), tagged, model
      FROM answer_1
     WHERE typeof(frame) = 'blob';
INSERT INTO answer_frame (answer, frame) SELECT rowid, frame FROM answer_1 WHERE typeof(frame) = 'blob';
DROP TABLE answer_1;

CREATE INDEX answer_kept_until ON answer (kept_until);

CREATE TRIGGER answer_removed AFTER DELETE ON answer
BEGIN
    DELETE FROM answer_frame WHERE answer = OLD.id;
    DELETE FROM answer_outline WHERE answer = OLD.id;
    DELETE FROM answer_tag WHERE OLD.tagged = 1 AND answer = OLD.id;
END;

-- With encryption the name is a label, and the name itself is sealed beside it.
ALTER TABLE invalidation ADD COLUMN sealed BLOB;

-- Who asks a question right now, so that others on this machine wait instead of asking it too.
CREATE TABLE lease (
    key BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    expires_at INTEGER NOT NULL) WITHOUT ROWID;

-- Tells this file from one that takes its place while somebody has it open.
CREATE TABLE file_id (id BLOB NOT NULL);
INSERT INTO file_id (id) VALUES (randomblob(16));
