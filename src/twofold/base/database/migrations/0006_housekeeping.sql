-- What housekeeping looks for is found by an index; so are administrators, who are few, at every start.

CREATE INDEX IF NOT EXISTS sighting_at ON sighting (at);
CREATE INDEX IF NOT EXISTS account_administrator ON account (id) WHERE administrator = 1;
