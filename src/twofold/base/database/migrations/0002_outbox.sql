-- Messages that wait for a courier. Their content is encrypted while they wait, and erased once they are sent.

CREATE TABLE outbox (
    id         TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,               -- mail, sms, voice
    sealed     BYTEA,                       -- bound to this row; NULL once sent or given up
    outcome    TEXT,                        -- sent, refused; NULL while waiting
    reason     TEXT,                        -- why it was refused, in a word
    spent      TEXT NOT NULL DEFAULT '',    -- couriers that must not get it again, by position
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,             -- when it may be tried next; in the future during an attempt
    expires_at BIGINT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (channel, next_at) WHERE outcome IS NULL;
CREATE INDEX outbox_dying ON outbox (expires_at) WHERE outcome IS NULL;
CREATE INDEX outbox_over ON outbox (expires_at) WHERE outcome IS NOT NULL;
