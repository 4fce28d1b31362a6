-- What a session has proved, each proof with its time, and the account's stamp when they counted. Sessions of earlier
-- versions, and of their nodes during an upgrade, have neither: their methods and the time of the sign-in count.

ALTER TABLE session ADD COLUMN proofs TEXT NOT NULL DEFAULT '';  -- JSON: [method, id of the factor, time, strength], ...
ALTER TABLE session ADD COLUMN stamp BIGINT;
