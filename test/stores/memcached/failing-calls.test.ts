import t from 'tap'
import { startProxy } from '../../support/proxy.js'
import { skipOrFail } from '../../support/skip.js'
import { storeFaults } from '../../support/store-faults.js'
import { memcachedMissing, openMemcached, startMemcached } from './engine.js'

t.test('memcachedStore fails in time and comes back', async t => {
  const missing = memcachedMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startMemcached()
  const proxy = await startProxy(server.port)
  const { open, close } = openMemcached(proxy.port)
  t.teardown(async () => {
    close()
    await proxy.close()
    await server.stop()
  })
  await storeFaults(t, { store: open(), proxy, server })
})
