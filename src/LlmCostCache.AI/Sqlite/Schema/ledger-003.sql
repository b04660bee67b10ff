-- Reports say at which rates amounts of other currencies were converted, without reading the rows that are in dollars; those are not in this index.
CREATE INDEX entry_exchange ON entry (at, currency, fx_rate, fx_date, adjusts) WHERE fx_rate IS NOT NULL;
