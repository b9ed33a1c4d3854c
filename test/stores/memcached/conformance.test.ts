import { randomUUID } from 'node:crypto'
import t from 'tap'
import { conforms } from '../../support/conformance.js'
import { openMemcached } from '../../support/memcached-client.js'
import { memcachedMissing, startMemcached } from '../../support/servers.js'
import { skipOrFail } from '../../support/skip.js'

t.test('keeps the contract, to the millisecond although Memcached counts seconds', async t => {
  const missing = memcachedMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startMemcached()
  const { open, close } = openMemcached(server.port)
  t.teardown(async () => {
    close()
    await server.stop()
  })
  conforms(t, () => open(`${randomUUID()}:`), { without: ['sweep', 'findBySubject'] })
})
