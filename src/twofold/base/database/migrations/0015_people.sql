-- How others see an account: username, name, groups and role.
-- Nodes of the previous version keep adding accounts, and know only `administrator`, which now means an owner.

ALTER TABLE account ADD COLUMN username    TEXT;                          -- NULL until this version has assigned one, at its start
ALTER TABLE account ADD COLUMN name        TEXT;                          -- the name of the person; NULL: the username
ALTER TABLE account ADD COLUMN group_names TEXT NOT NULL DEFAULT '';      -- copied from group_member, since every request needs them
ALTER TABLE account ADD COLUMN role        TEXT NOT NULL DEFAULT 'member';
CREATE UNIQUE INDEX IF NOT EXISTS account_username ON account (username);
CREATE INDEX IF NOT EXISTS account_role ON account (role) WHERE role <> 'member';

CREATE TABLE username_claim (               -- every username that was ever used; no other account gets it
    name_hash  BYTEA PRIMARY KEY,           -- keyed, so that the names of deleted accounts cannot be read
    account_id TEXT REFERENCES account (id) ON DELETE SET NULL
);
CREATE INDEX username_claim_account ON username_claim (account_id);

CREATE TABLE lasting_key (                  -- keys that are never replaced, encrypted with the newest secret key
    purpose TEXT PRIMARY KEY,
    sealed  BYTEA NOT NULL
);

CREATE TABLE account_group (
    name       TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE group_member (
    group_name TEXT NOT NULL REFERENCES account_group (name),
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    joined_at  BIGINT NOT NULL,
    PRIMARY KEY (account_id, group_name)
);
CREATE INDEX group_member_group ON group_member (group_name, account_id);

-- Accounts that a node of the previous version adds get a username at once, from their address and a number.

CREATE FUNCTION complete_account() RETURNS trigger LANGUAGE plpgsql AS '                           -- postgres only
DECLARE                                                                                            -- postgres only
    base TEXT := regexp_replace(lower(split_part(NEW.email, ''@'', 1)), ''[^a-z0-9._-]'', '''', ''g''); -- postgres only
BEGIN                                                                                              -- postgres only
    base := left(regexp_replace(base, ''^[._-]+'', ''''), 50);                                     -- postgres only
    NEW.username := coalesce(nullif(base, ''''), ''user'') || 10000000 + floor(random() * 90000000)::bigint; -- postgres only
    NEW.role := CASE NEW.administrator WHEN 1 THEN ''owner'' ELSE ''member'' END;                  -- postgres only
    RETURN NEW;                                                                                    -- postgres only
END';                                                                                              -- postgres only
CREATE TRIGGER account_complete BEFORE INSERT ON account FOR EACH ROW WHEN (NEW.username IS NULL)  -- postgres only
    EXECUTE FUNCTION complete_account();                                                           -- postgres only
