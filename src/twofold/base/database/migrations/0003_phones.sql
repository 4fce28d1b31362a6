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
