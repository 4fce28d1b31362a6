-- Who caused an event, in addition to the account that it concerns. NULL in earlier rows: those have an address if the
-- account itself acted, and none for the command line.

ALTER TABLE event ADD COLUMN actor    TEXT;     -- account, command_line, system
ALTER TABLE event ADD COLUMN actor_id TEXT;     -- the account that acted; kept when it is deleted
