-- Rows to lock where there is no other, and the day whose budget pays for the notice to a removed number.

CREATE TABLE mutex (                        -- locked by transactions that check whether there is none yet
    name TEXT PRIMARY KEY
);

ALTER TABLE factor ADD COLUMN notice_day BIGINT;  -- of a phone; days since 1970, UTC; NULL if not reserved
UPDATE factor SET notice_day = 0 WHERE kind IN ('sms', 'voice');
CREATE INDEX IF NOT EXISTS factor_notice ON factor (notice_day) WHERE notice_day > 0;
