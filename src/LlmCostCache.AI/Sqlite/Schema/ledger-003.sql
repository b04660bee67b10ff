-- Reports say at which rates amounts of other currencies were converted, without reading the rows that are in dollars; those are not in this index.
-- Rate by rate, then by time: the next rate is one step away, and its calls of a span stand side by side.
CREATE INDEX entry_exchange ON entry (currency || ' ' || fx_rate || ' ' || ifnull(fx_date, ''), at, adjusts) WHERE fx_rate IS NOT NULL;
