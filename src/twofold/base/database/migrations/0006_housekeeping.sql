-- Indexes for the rows that housekeeping deletes, and for the few administrators, who are looked up at every start.

CREATE INDEX IF NOT EXISTS sighting_at ON sighting (at);
CREATE INDEX IF NOT EXISTS account_administrator ON account (id) WHERE administrator = 1;
