-- What housekeeping looks for is found by an index.

CREATE INDEX IF NOT EXISTS sighting_at ON sighting (at);
