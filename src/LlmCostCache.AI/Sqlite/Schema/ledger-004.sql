-- What was said about a window of a budget: each notice once, whichever process says it, and again only when the limit was raised since.
CREATE TABLE budget_notice (
    budget_id TEXT NOT NULL,
    window_key TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    notice TEXT NOT NULL, -- 'threshold 0.8', 'projection', 'refusal'
    limit_nanos INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (budget_id, window_key, starts_at, notice)
) STRICT, WITHOUT ROWID;

-- The shares of the limit that are announced, '0.5;0.8'; null for the usual ones. The column fallback holds one model a line.
ALTER TABLE budget ADD COLUMN thresholds TEXT;
