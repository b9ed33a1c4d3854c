import t from 'tap'
import { openMemcached } from '../../support/memcached-client.js'
import { startProxy } from '../../support/proxy.js'
import { memcachedMissing, startMemcached } from '../../support/servers.js'
import { skipOrFail } from '../../support/skip.js'
import { storeFaults } from '../../support/store-faults.js'

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
