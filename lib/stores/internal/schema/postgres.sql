CREATE TABLE IF NOT EXISTS "sessions" (
  id         text COLLATE "C" PRIMARY KEY,
  payload    text COLLATE "C" NOT NULL,
  expires_at bigint           NOT NULL, -- milliseconds since the epoch, by the application's clock
  subject    text COLLATE "C"
);

CREATE INDEX IF NOT EXISTS "sessions_expires_at" ON "sessions" (expires_at);

CREATE INDEX IF NOT EXISTS "sessions_subject" ON "sessions" (subject, id) WHERE subject IS NOT NULL;
