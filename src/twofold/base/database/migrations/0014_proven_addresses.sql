-- The address that an account has proven, by a mailed link or on the operator's word, and when. It counts while it is the
-- account's address. -1 marks accounts of earlier versions, until the next start decides.

ALTER TABLE account ADD COLUMN proven_email    TEXT;
ALTER TABLE account ADD COLUMN email_proven_at BIGINT DEFAULT -1;
CREATE INDEX IF NOT EXISTS account_undecided ON account (id) WHERE email_proven_at = -1;
