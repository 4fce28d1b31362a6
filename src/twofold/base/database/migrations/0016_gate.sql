-- Sessions are found by their gate id, too, and tickets take it to the host of an application. A ticket needs no index
-- by time: it is deleted with its session, when it is spent, or by housekeeping after a minute.

ALTER TABLE session ADD COLUMN gate_hash BYTEA;
CREATE INDEX IF NOT EXISTS session_gate ON session (gate_hash) WHERE gate_hash IS NOT NULL;

CREATE TABLE gate_ticket (
    token_hash  BYTEA PRIMARY KEY,
    id          TEXT NOT NULL,
    account_id  TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    session_id  TEXT NOT NULL,
    origin      TEXT NOT NULL,
    target      TEXT NOT NULL,
    nonce       TEXT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX gate_ticket_of_session ON gate_ticket (account_id, session_id, id);
CREATE INDEX gate_ticket_expired ON gate_ticket (expires_at);
