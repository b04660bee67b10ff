-- What a reservation holds stands in its own row: to hold and to settle is one statement each, whatever number of budgets count the call.
-- One that was posted leaves no row, because the row of its call stands for it.
CREATE TABLE reservation_with_holds (
    id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    amount_nanos INTEGER NOT NULL,
    -- Written out: for a list of more than two SQLite builds a table each time it checks a row.
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'voided' OR state = 'expired'),
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    owner TEXT NOT NULL,
    record TEXT, -- what is booked when it expires; null once it is not pending
    holds TEXT NOT NULL -- [["budget","key",starts_at,amount],...]
) STRICT, WITHOUT ROWID;

INSERT INTO reservation_with_holds
SELECT id, call_id, attempt, amount_nanos, state, created_at, deadline, owner, record,
       (SELECT json_group_array(json_array(budget_id, window_key, starts_at, amount_nanos)) FROM hold WHERE reservation_id = reservation.id)
  FROM reservation
 WHERE state <> 'posted';

DROP TABLE hold;
DROP TABLE reservation;
ALTER TABLE reservation_with_holds RENAME TO reservation;
CREATE INDEX reservation_due ON reservation (deadline) WHERE state = 'pending';

-- Holds that cannot be read hold nothing: the counters say so, and nobody who checks them is stopped.
CREATE VIEW hold (reservation_id, budget_id, window_key, starts_at, amount_nanos) AS
    SELECT id, json_extract(held, '$[0]'), json_extract(held, '$[1]'), json_extract(held, '$[2]'), json_extract(held, '$[3]')
      FROM (SELECT reservation.id, iif(each.type = 'array', each.value, '[]') AS held
              FROM reservation, json_each(iif(json_valid(reservation.holds), reservation.holds, '[]')) AS each);
