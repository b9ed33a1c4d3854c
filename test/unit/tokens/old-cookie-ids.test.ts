import { createHmac } from 'node:crypto'
import t from 'tap'
import { associatedData, purposeKey } from '../../../lib/tokens/derivation.js'
import { createOldCookieIds } from '../../../lib/tokens/old-cookie-ids.js'

const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const binding = { application: 'shop', session: 'session' }

t.test('an id is the HMAC of name and value under a key of its own, for each secret', async (t) => {
  const ids = createOldCookieIds(secrets, binding)('connect.sid', 's:id.mac')
  const kind = { version: '0', purpose: 'adopt' }
  const expected = secrets.map((secret) => createHmac('sha256', purposeKey(secret, kind, 'session'))
    .update(Buffer.concat([associatedData(kind, { ...binding, cookie: 'connect.sid' }, ''), Buffer.from('s:id.mac')])).digest('hex'))
  t.strictSame(ids.map((id) => id.toString('hex')), expected)
  t.equal(expected[0], '46484c72a4ed8100f35a3d3aabad5295edc275ba7058018528bac29371c17148', 'frozen: marks of sessions that have ended lie there')
})

t.test('another cookie, value, session or application leads elsewhere', async (t) => {
  const all = [
    createOldCookieIds(secrets, binding)('a', 'bc'), createOldCookieIds(secrets, binding)('ab', 'c'), createOldCookieIds(secrets, binding)('a', 'bd'),
    createOldCookieIds(secrets, { ...binding, session: 'admin' })('a', 'bc'), createOldCookieIds(secrets, { ...binding, application: '' })('a', 'bc')
  ].flat().map((id) => id.toString('hex'))
  t.equal(new Set(all).size, 10)
})
