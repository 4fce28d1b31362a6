-- Messages that wait for a courier. What they say is sealed while they wait, and gone once they are sent.

CREATE TABLE outbox (
    id         TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,               -- mail, sms, voice
    sealed     BYTEA,                       -- bound to this row; none once it is sent or given up
    outcome    TEXT,                        -- sent, refused; none while it waits
    reason     TEXT,                        -- why it was refused, in a word
    spent      TEXT NOT NULL DEFAULT '',    -- couriers that must not get it again, by their place in the order
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,             -- when it may be tried next; in the future while somebody tries it
    expires_at BIGINT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (channel, next_at) WHERE outcome IS NULL;
CREATE INDEX outbox_dying ON outbox (expires_at) WHERE outcome IS NULL;
CREATE INDEX outbox_over ON outbox (expires_at) WHERE outcome IS NOT NULL;
