-- For mail: sign-ups that wait for their address to be proven, changes of address, and former addresses for notices.

ALTER TABLE link ADD COLUMN password_hash TEXT;                    -- of a waiting sign-up: the chosen password
ALTER TABLE link ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;       -- wrong passwords entered on its page
CREATE INDEX link_email ON link (email) WHERE email IS NOT NULL;

CREATE TABLE former_address (               -- also gets notices for a while, since intruders change the address first
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    email      TEXT NOT NULL,
    until      BIGINT NOT NULL,
    PRIMARY KEY (account_id, email)
);
CREATE INDEX former_address_until ON former_address (until);
