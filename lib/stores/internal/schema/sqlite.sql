PRAGMA journal_mode = WAL;

CREATE TABLE IF NOT EXISTS "sessions" (
  id         TEXT    NOT NULL PRIMARY KEY,
  payload    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL, -- milliseconds since the epoch
  subject    TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS "sessions_expires_at" ON "sessions" (expires_at);

CREATE INDEX IF NOT EXISTS "sessions_subject" ON "sessions" (subject) WHERE subject IS NOT NULL;
