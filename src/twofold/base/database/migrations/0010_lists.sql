-- Lists are read page by page, newest first: a page costs the same, however long the list is.

CREATE INDEX IF NOT EXISTS session_account_id ON session (account_id, id);
CREATE INDEX IF NOT EXISTS computer_account_id ON computer (account_id, id);
