import { quoteTable } from '../sql/identifier.js'

/** The longest id and subject in bytes. Longer ones are refused: without strict mode the database would cut them. */
export const longestId = 255
export const longestSubject = 1024

/** The statement of `schema/mysql.sql`, for a table of this name. */
export const mysqlSchema = (table: string): string => `CREATE TABLE IF NOT EXISTS ${quoteTable(table, '`')} (
  id         VARBINARY(${longestId})  NOT NULL, -- bytes of UTF-8: text columns ignore trailing spaces when they compare
  payload    LONGBLOB        NOT NULL,
  expires_at BIGINT          NOT NULL, -- milliseconds since the epoch, by the application's clock
  subject    VARBINARY(${longestSubject}),
  revision   BIGINT UNSIGNED NOT NULL DEFAULT 0, -- grows with each write: one of equal values counts as a change
  PRIMARY KEY (id),
  KEY expires_at (expires_at),
  KEY subject (subject)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`
