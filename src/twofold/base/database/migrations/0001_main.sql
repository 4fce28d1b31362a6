-- Accounts, sessions, factors, computers, limits and events.
-- Times are epoch seconds (UTC). Tokens are stored as SHA-256, secrets encrypted, recovery codes as keyed hashes.

CREATE TABLE account (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,         -- trimmed, lower case, domain in IDNA
    password_hash TEXT NOT NULL,                -- argon2id, PHC string
    stamp         BIGINT NOT NULL,              -- raised when credentials change: ends trust, attempts and links
    administrator BIGINT NOT NULL,              -- 0 or 1
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE link (                             -- mailed or printed links: one use, one hour
    token_hash BYTEA PRIMARY KEY,
    purpose    TEXT NOT NULL,                   -- first_administrator, invitation, password_reset
    account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
    email      TEXT,
    stamp      BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX link_account ON link (account_id);
CREATE INDEX link_expires ON link (expires_at);

CREATE TABLE browser (                          -- browsers in which an account has signed in; proves nothing
    token_hash BYTEA NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (token_hash, account_id)
);
CREATE INDEX browser_account ON browser (account_id);
CREATE INDEX browser_last ON browser (last_at);

CREATE TABLE session (                          -- without row numbers, a session check searches one tree, not two
    token_hash     BYTEA PRIMARY KEY,
    id             TEXT NOT NULL,               -- looked up within the account
    account_id     TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    source         TEXT NOT NULL,
    methods        TEXT NOT NULL,               -- what was proven, space separated
    computer_id    TEXT,                        -- the trusted computer that stood in for the second factor
    signed_in_at   BIGINT NOT NULL,
    last_used_at   BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    unlocked_until BIGINT NOT NULL
) WITHOUT ROWID -- sqlite only
)               -- postgres only
;
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE two_factor (                       -- the account's choice; 2FA is active when a factor is verified too
    account_id        TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    policy            TEXT NOT NULL,            -- disabled, once_per_computer, every_log_in
    default_factor_id TEXT
);

CREATE TABLE factor (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    sealed       BYTEA NOT NULL,                -- bound to this row and account
    last_step    BIGINT NOT NULL,               -- highest time step accepted; codes up to it are used up
    tries        BIGINT NOT NULL,               -- wrong codes while unverified
    replaces     TEXT,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,                        -- end of an unverified enrolment
    verified_at  BIGINT,
    last_used_at BIGINT
);
CREATE INDEX factor_account ON factor (account_id);
CREATE INDEX factor_expires ON factor (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE recovery_code (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    code_hash  TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    saved_at   BIGINT
);

CREATE TABLE computer (
    token_hash   BYTEA PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    account_id   TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    stamp        BIGINT NOT NULL,               -- the account's stamp when trust was given
    name         TEXT NOT NULL,
    source       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX computer_account ON computer (account_id);
CREATE INDEX computer_expires ON computer (expires_at);

CREATE TABLE sign_in (                          -- an unfinished attempt: the half-open state
    token_hash  BYTEA PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    stamp       BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX sign_in_account ON sign_in (account_id);
CREATE INDEX sign_in_expires ON sign_in (expires_at);

CREATE TABLE throttle (                         -- wrong attempts, counted per key
    key     TEXT PRIMARY KEY,
    marks   TEXT NOT NULL,                      -- times of the attempts still in a window, oldest first
    run     BIGINT NOT NULL,                    -- wrong attempts in a row
    last_at BIGINT NOT NULL
);
CREATE INDEX throttle_last ON throttle (last_at);

CREATE TABLE event (
    id         TEXT PRIMARY KEY,                -- sorts by time
    account_id TEXT,                            -- kept when the account is deleted
    at         BIGINT NOT NULL,
    name       TEXT NOT NULL,
    outcome    TEXT NOT NULL,                   -- done, refused
    source     TEXT NOT NULL,
    agent      TEXT NOT NULL,
    data       TEXT NOT NULL                    -- JSON
);
CREATE INDEX event_account ON event (account_id, id);

CREATE TABLE secret_key (                       -- distinguishes the right keys from wrong ones; contains no key
    id         TEXT PRIMARY KEY,
    key_check  TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sighting (                         -- what the operator should know about
    name   TEXT NOT NULL,
    detail TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (name, detail)
);
