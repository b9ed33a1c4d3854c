import { createHmac } from 'node:crypto'
import { associatedData, type Binding, type Purpose, purposeKey } from './derivation.js'

const ADOPT: Purpose = { version: '0', purpose: 'adopt' }

/** The ids that the value of an old cookie leads to: 32 bytes by each secret, the newest first. */
export type OldCookieIds = (cookie: string, value: string) => Buffer[]

/** HMAC-SHA256, so that an id tells nothing of the value, and nobody can make one who knows the value. Nothing else holds the keys. */
export function createOldCookieIds (secrets: readonly Buffer[], { application, session }: Pick<Binding, 'application' | 'session'>): OldCookieIds {
  const keys = secrets.map((secret) => purposeKey(secret, ADOPT, session))
  return (cookie, value) => {
    const prefix = associatedData(ADOPT, { application, session, cookie }, '')
    return keys.map((key) => createHmac('sha256', key).update(prefix).update(value).digest())
  }
}
