-- The language in which an account is written and spoken to.

ALTER TABLE account ADD COLUMN locale TEXT NOT NULL DEFAULT 'en';  -- BCP 47
