-- The language of messages and calls to an account.

ALTER TABLE account ADD COLUMN locale TEXT NOT NULL DEFAULT 'en';  -- BCP 47
