-- The shares of the limit that are announced, set at run time with the limit: '0.5;0.8'; null leaves alone those of the budget.
ALTER TABLE budget_setting ADD COLUMN thresholds TEXT;
