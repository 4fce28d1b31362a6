-- The previous token of a known browser works for a short while, in case the answer with the new one was lost.

ALTER TABLE browser ADD COLUMN former_hash BYTEA;                     -- of the token before this one
ALTER TABLE browser ADD COLUMN renewed_at BIGINT NOT NULL DEFAULT 0;  -- when it was replaced
