import { hash } from 'node:crypto'

/** The public handle of a session: made from its key, which is itself made from its id. Of no use as a token. */
export function publicHandle (key: string): string {
  return hash('sha256', `handle:${key}`, 'base64url').slice(0, 22)
}
