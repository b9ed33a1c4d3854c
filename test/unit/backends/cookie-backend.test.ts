import { randomBytes } from 'node:crypto'
import t from 'tap'
import { CookieBackend } from '../../../lib/backends/cookie.js'
import { ENDED } from '../../../lib/backends/place.js'
import { lasting } from '../../support/lasting.js'
import { keyrings } from '../../support/tokens.js'

const { sealed } = keyrings([randomBytes(32)], { application: '', session: 'session', cookie: 'session' })

t.test('a cookie has nothing on the server that could be ended, removed or read again', async (t) => {
  const backend = new CookieBackend(sealed, { cookie: 'session', timeouts: lasting(1_000, 1_000), cache: 10 })
  const now = Date.now()
  const times = { version: 1, createdAt: now, usedAt: now, authenticatedAt: 0, rotatedAt: now, persist: null, idle: 0, absolute: 0, adoptedUntil: 0 }
  const { place, token } = backend.create(backend.newId(), { times, stored: { data: { n: 1 }, extra: null }, expiresAt: now + 1_000, subject: undefined, card: null, device: null })
  t.equal(backend.reload(place, now + 999), place)
  t.equal(backend.reload(place, now + 1_000), ENDED, 'but its clocks are read')
  t.equal(backend.end(), true)
  t.equal(backend.discard(), undefined)
  t.match(backend.load(token as string, now), { state: 'found', place: { record: { found: { data: { n: 1 } } } } }, 'it is good until it expires (P4.9)')
})
