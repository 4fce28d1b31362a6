-- Phones: the spending guard, and below it the codes that are sent.
-- No phone number stands here in clear: `number` and `prefix` are keyed hashes.

CREATE TABLE sending (                          -- one row: today's budget, and the lock that every send takes
    id   BIGINT PRIMARY KEY,
    day  BIGINT NOT NULL,                       -- days since 1970, UTC
    sent BIGINT NOT NULL,                       -- codes on that day
    told BIGINT NOT NULL                        -- what administrators were told that day: 0 nothing, 1 alarm, 2 spent
);
INSERT INTO sending (id, day, sent, told) VALUES (1, 0, 0, 0);

CREATE TABLE sent_code (                        -- for the limits and the conversion watch; kept while a limit looks back
    id         TEXT PRIMARY KEY,
    number     TEXT NOT NULL,
    prefix     TEXT NOT NULL,                   -- all numbers that differ in their last six digits only
    country    TEXT NOT NULL,
    source     TEXT NOT NULL,                   -- the client's network
    account_id TEXT NOT NULL,                   -- kept when the account goes: a new one starts no number afresh
    at         BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX sent_code_number ON sent_code (number, at);
CREATE INDEX sent_code_prefix ON sent_code (prefix, at);
CREATE INDEX sent_code_country ON sent_code (country, at);
CREATE INDEX sent_code_source ON sent_code (source, at) WHERE used_at IS NULL;
CREATE INDEX sent_code_account ON sent_code (account_id, at) WHERE used_at IS NULL;
CREATE INDEX sent_code_at ON sent_code (at);

CREATE TABLE sending_note (                     -- what holds for a while: a closed prefix, a proven or unreachable number
    key   TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX sending_note_until ON sending_note (until);

CREATE TABLE live_code (                        -- the code that was sent last, one an account and purpose
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL,                   -- sign_in, unlock, enrolment
    factor_id  TEXT NOT NULL REFERENCES factor (id) ON DELETE CASCADE,
    request    TEXT NOT NULL,                   -- the sign-in, session or enrolment that it was asked for
    code_hash  TEXT NOT NULL,                   -- keyed; bound to all of the above
    message_id TEXT NOT NULL,                   -- in the outbox
    resend_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (account_id, purpose)
);
CREATE INDEX live_code_factor ON live_code (factor_id);
CREATE INDEX live_code_expires ON live_code (expires_at);
