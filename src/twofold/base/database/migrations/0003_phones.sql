-- Phones: the limits on sending, then the codes that are sent.
-- No phone number is stored as text: `number` and `prefix` are keyed hashes.

CREATE TABLE sending (                          -- one row: today's budget, and the lock that every send takes
    id   BIGINT PRIMARY KEY,
    day  BIGINT NOT NULL,                       -- days since 1970, UTC
    sent BIGINT NOT NULL,                       -- codes on that day
    told BIGINT NOT NULL                        -- the alert to administrators that day: 0 none, 1 alarm, 2 used up
);
INSERT INTO sending (id, day, sent, told) VALUES (1, 0, 0, 0);

CREATE TABLE sent_code (                        -- for the limits and fraud detection; kept as long as one needs it
    id         TEXT PRIMARY KEY,
    number     TEXT NOT NULL,
    prefix     TEXT NOT NULL,                   -- all numbers that differ only in their last six digits
    country    TEXT NOT NULL,
    source     TEXT NOT NULL,                   -- the client's network
    account_id TEXT NOT NULL,                   -- kept when the account is deleted, so that its counts stay
    at         BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX sent_code_number ON sent_code (number, at);
CREATE INDEX sent_code_prefix ON sent_code (prefix, at);
CREATE INDEX sent_code_country ON sent_code (country, at);
CREATE INDEX sent_code_source ON sent_code (source, at) WHERE used_at IS NULL;
CREATE INDEX sent_code_account ON sent_code (account_id, at) WHERE used_at IS NULL;
CREATE INDEX sent_code_at ON sent_code (at);

CREATE TABLE sending_note (                     -- what applies for a while: a blocked prefix, a proven or unreachable number
    key   TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX sending_note_until ON sending_note (until);

CREATE TABLE live_code (                        -- the last code sent, one per account and purpose
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL,                   -- sign_in, unlock, enrolment
    factor_id  TEXT NOT NULL REFERENCES factor (id) ON DELETE CASCADE,
    request    TEXT NOT NULL,                   -- the sign-in, session or enrolment that it was sent for
    code_hash  TEXT NOT NULL,                   -- keyed; bound to all of the above
    message_id TEXT NOT NULL,                   -- in the outbox
    resend_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (account_id, purpose)
);
CREATE INDEX live_code_factor ON live_code (factor_id);
CREATE INDEX live_code_expires ON live_code (expires_at);
