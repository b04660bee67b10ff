-- When an application that gives the budget in code last started, so that one that nobody gives any more can be told from the others. Before it was noted: when its limit in code last changed.
ALTER TABLE budget ADD COLUMN given_at INTEGER;
UPDATE budget SET given_at = (SELECT MAX(at) FROM budget_change WHERE budget_id = budget.id AND action = 'code');

-- Where budgets stand is asked of the windows that are not over; a budget of each user has hundreds of thousands that are.
CREATE INDEX budget_window_end ON budget_window (budget_id, ends_at);
