CREATE TABLE IF NOT EXISTS `sessions` (
  id         VARBINARY(255)  NOT NULL, -- bytes of UTF-8: text columns ignore trailing spaces when they compare
  payload    LONGBLOB        NOT NULL,
  expires_at BIGINT          NOT NULL, -- milliseconds since the epoch, by the application's clock
  subject    VARBINARY(1024),
  revision   BIGINT UNSIGNED NOT NULL DEFAULT 0, -- grows with each write: one of equal values counts as a change
  PRIMARY KEY (id),
  KEY expires_at (expires_at),
  KEY subject (subject)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
