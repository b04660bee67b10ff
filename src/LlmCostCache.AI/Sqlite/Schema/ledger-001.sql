-- Calls and the adjustments to them: append-only, one gap-free sequence, each row carrying the hash of the one before.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('call', 'adjustment')),
    adjusts INTEGER REFERENCES entry (seq),
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL, -- microseconds since 1970, UTC
    recorded_at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    provider TEXT,
    requested_model TEXT,
    model TEXT,
    model_key TEXT,
    status TEXT NOT NULL,
    certainty TEXT NOT NULL,
    cost_nanos INTEGER, -- null when unknown; in an adjustment, as every number below up to the characters: the difference
    cost_low_nanos INTEGER,
    cost_high_nanos INTEGER,
    booked_nanos INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    saved_nanos INTEGER NOT NULL,
    uncached_input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    input_audio_tokens INTEGER NOT NULL,
    cached_audio_tokens INTEGER NOT NULL,
    input_image_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    output_audio_tokens INTEGER NOT NULL,
    output_image_tokens INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    characters INTEGER NOT NULL,
    currency TEXT NOT NULL,
    native_cost TEXT,
    fx_rate TEXT,
    fx_date TEXT,
    cache_layer TEXT NOT NULL,
    price_revision TEXT,
    reason TEXT,
    usage_source TEXT NOT NULL,
    flags TEXT,
    service_tier TEXT,
    finish_reason TEXT,
    error TEXT,
    latency_ms INTEGER NOT NULL,
    first_chunk_ms INTEGER,
    streamed INTEGER NOT NULL,
    tenant TEXT,
    project TEXT,
    team TEXT,
    user TEXT,
    feature TEXT,
    session TEXT,
    agent TEXT,
    tags TEXT, -- a JSON array, null when empty
    trace_id TEXT,
    span_id TEXT,
    response_id TEXT,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL -- SHA-256 over every other column
) STRICT;

CREATE INDEX entry_at ON entry (at);
-- A budget for each session is seeded when its session first appears; without this index each new session would read the whole period.
CREATE INDEX entry_session ON entry (session, at) WHERE session IS NOT NULL;
CREATE INDEX entry_adjusts ON entry (adjusts) WHERE adjusts IS NOT NULL;

-- Each combination of names that rows are summed under.
CREATE TABLE dimension (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    provider TEXT,
    model TEXT,
    tenant TEXT,
    project TEXT,
    team TEXT,
    user TEXT,
    feature TEXT,
    agent TEXT,
    status TEXT NOT NULL,
    operation TEXT NOT NULL,
    cache_layer TEXT NOT NULL
) STRICT;

-- Sums of calls with their adjustments, by quarter-hour (slot = at / 900 seconds), so that days are exact in every zone.
CREATE TABLE rollup (
    dimension INTEGER NOT NULL REFERENCES dimension (id),
    slot INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    booked_nanos INTEGER NOT NULL,
    low_nanos INTEGER NOT NULL,
    high_nanos INTEGER NOT NULL,
    saved_nanos INTEGER NOT NULL,
    uncached_input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    input_audio_tokens INTEGER NOT NULL,
    cached_audio_tokens INTEGER NOT NULL,
    input_image_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    output_audio_tokens INTEGER NOT NULL,
    output_image_tokens INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    characters INTEGER NOT NULL,
    PRIMARY KEY (dimension, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    name TEXT,
    limit_nanos INTEGER NOT NULL,
    mode TEXT NOT NULL,
    fallback TEXT
) STRICT, WITHOUT ROWID;

-- posted is the sum of the entries in the window that match the budget, pending the sum of its holds; verify recomputes both.
CREATE TABLE budget_window (
    budget_id TEXT NOT NULL REFERENCES budget (id),
    window_key TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    posted_nanos INTEGER NOT NULL,
    pending_nanos INTEGER NOT NULL CHECK (pending_nanos >= 0),
    PRIMARY KEY (budget_id, window_key, starts_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservation (
    id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    amount_nanos INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'posted', 'voided', 'expired')),
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    owner TEXT NOT NULL,
    record TEXT -- what is booked when it expires; null once it is not pending
) STRICT, WITHOUT ROWID;

CREATE INDEX reservation_due ON reservation (deadline) WHERE state = 'pending';

CREATE TABLE hold (
    reservation_id TEXT NOT NULL REFERENCES reservation (id),
    budget_id TEXT NOT NULL,
    window_key TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    amount_nanos INTEGER NOT NULL CHECK (amount_nanos >= 0),
    PRIMARY KEY (reservation_id, budget_id, window_key, starts_at),
    FOREIGN KEY (budget_id, window_key, starts_at) REFERENCES budget_window (budget_id, window_key, starts_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('budget_revision', '0'), ('head', '0:'), ('zone', 'UTC'), ('week_start', 'Monday');
