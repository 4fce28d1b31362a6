-- A success clears only the attempts of its own source; known browsers are renewed at each sign-in, and end.

ALTER TABLE throttle ADD COLUMN shares TEXT NOT NULL DEFAULT '';  -- who:count:time of each source's part of the run
ALTER TABLE browser ADD COLUMN id TEXT NOT NULL DEFAULT '';       -- stays when the token is renewed
ALTER TABLE account ADD COLUMN used BIGINT NOT NULL DEFAULT 0;    -- 1 once a user has signed in
