-- Completed steps of a sign-in, and completed unlocks: sent again, they are answered as completed, not as expired.
-- After a recovery code, a step may be repeated until the session of the earlier answer is used.

CREATE TABLE completed_step (
    token_hash    BYTEA PRIMARY KEY,            -- of the sign-in, or of the session token that an unlock replaced
    account_id    TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    purpose       TEXT NOT NULL,                -- sign_in, unlock
    stamp         BIGINT NOT NULL,              -- the account's after the step
    used_code     TEXT,                         -- keyed hash of the recovery code that was used, if one was
    new_code      TEXT,                         -- keyed hash of the one in the last answer
    session_hash  BYTEA NOT NULL,               -- of the session token in the last answer
    repeats       BIGINT NOT NULL,
    completed_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX completed_step_account ON completed_step (account_id);
CREATE INDEX completed_step_expires ON completed_step (expires_at);

ALTER TABLE session ADD COLUMN unseen_until BIGINT NOT NULL DEFAULT 0;  -- until then, its answer may be repeated; 0 once the session was used
ALTER TABLE sign_in ADD COLUMN address TEXT;    -- as it was typed, shown on the page for the code
