-- Limits. A budget counts dollars, tokens or requests: limit_nanos, posted_nanos, pending_nanos and the amounts of its holds are in its unit (nano-dollars, tokens, requests).
ALTER TABLE budget ADD COLUMN unit TEXT NOT NULL DEFAULT 'usd';
ALTER TABLE budget ADD COLUMN span_ms INTEGER; -- of a rolling budget; its windows are slices of the span
ALTER TABLE budget ADD COLUMN in_code INTEGER NOT NULL DEFAULT 1; -- 0: known from the command line only, and enforced only while it has a setting

-- From when on every slice of a rolling budget that has rows in it has a window.
CREATE TABLE rolling_window (
    budget_id TEXT NOT NULL REFERENCES budget (id),
    window_key TEXT NOT NULL,
    complete_from INTEGER NOT NULL,
    PRIMARY KEY (budget_id, window_key)
) STRICT, WITHOUT ROWID;

-- A limit set at run time; it is stronger than the one of the same budget in code or configuration.
CREATE TABLE budget_setting (
    budget_id TEXT PRIMARY KEY REFERENCES budget (id),
    limit_nanos INTEGER NOT NULL CHECK (limit_nanos >= 0),
    mode TEXT NOT NULL,
    fallback TEXT,
    set_at INTEGER NOT NULL,
    set_by TEXT NOT NULL,
    note TEXT
) STRICT, WITHOUT ROWID;

-- What a budget allows on top of its limit from one instant until before another.
CREATE TABLE budget_grant (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never used again: history names it
    budget_id TEXT NOT NULL REFERENCES budget (id),
    window_key TEXT, -- one value of a template; null for every one
    amount_nanos INTEGER NOT NULL CHECK (amount_nanos > 0),
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    set_at INTEGER NOT NULL,
    set_by TEXT NOT NULL,
    note TEXT
) STRICT;

-- Who changed which limit when. Rows are only added.
CREATE TABLE budget_change (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    budget_id TEXT NOT NULL REFERENCES budget (id),
    action TEXT NOT NULL, -- code, set, remove, grant, revoke
    grant_id INTEGER,
    window_key TEXT,
    old_nanos INTEGER,
    new_nanos INTEGER,
    from_at INTEGER,
    until_at INTEGER,
    changed_by TEXT NOT NULL,
    note TEXT,
    request TEXT UNIQUE -- a change that is tried again after a doubtful commit finds itself
) STRICT;

CREATE INDEX budget_change_budget ON budget_change (budget_id, seq);

INSERT INTO meta (key, value) VALUES ('limit_revision', '0'), ('fiscal_year_start', '1');
