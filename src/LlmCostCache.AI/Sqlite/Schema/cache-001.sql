CREATE TABLE answer (
    key BLOB NOT NULL PRIMARY KEY,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    tagged INTEGER NOT NULL,
    model TEXT NOT NULL,
    frame BLOB NOT NULL);
CREATE INDEX answer_expires_at ON answer (expires_at);
CREATE TABLE answer_tag (tag TEXT NOT NULL, answer INTEGER NOT NULL, PRIMARY KEY (tag, answer)) WITHOUT ROWID;
CREATE INDEX answer_tag_answer ON answer_tag (answer);
CREATE TRIGGER answer_removed AFTER DELETE ON answer WHEN OLD.tagged = 1
BEGIN
    DELETE FROM answer_tag WHERE answer = OLD.rowid;
END;
CREATE TABLE invalidation (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    stamp INTEGER NOT NULL);
