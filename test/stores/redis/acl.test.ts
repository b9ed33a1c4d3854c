import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { redisStore } from '../../../lib/stores/redis.js'
import { clientOptions } from '../../support/client-options.js'
import { codeIn, proseOf } from '../../support/documents.js'
import { idsOf, inAnHour } from '../../support/redis-scene.js'
import { redisMissing, startRedis, waitUntil } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'

const [sentence = ''] = /^.*An ACL user needs ([^.]*)\./m.exec(proseOf('docs/redis.md'))?.slice(1) ?? []
/** The commands that an ACL user needs, as docs/redis.md says. */
const documented = codeIn(sentence).filter(code => /^[A-Z]+$/.test(code))

const clients = {
  async ioredis (port: number, failed: (error: Error) => void) {
    const client = new Redis({ port, username: 'app', password: 'pw', ...clientOptions.ioredis, enableReadyCheck: false, lazyConnect: true })
    client.on('error', failed)
    await client.connect()
    return { client, close: () => client.disconnect() }
  },
  async 'node-redis' (port: number, failed: (error: Error) => void) {
    const { socket, ...options } = clientOptions.redis
    const client = createClient({ username: 'app', password: 'pw', ...options, socket: { ...socket, port, host: '127.0.0.1' } })
    client.on('error', failed)
    await client.connect()
    return { client, close: () => client.destroy() }
  }
}

async function useEverything (t: Test, client: Parameters<typeof redisStore>[0]['client']): Promise<void> {
  const store = redisStore({ client })
  t.equal(await store.create('id', 'first', inAnHour(), 'ann'), true)
  t.equal(await store.load('id'), 'first')
  t.equal(await store.replace('id', 'first', 'second', inAnHour(), 'ann'), 'replaced')
  t.equal(await store.touch('id', inAnHour()), true)
  t.strictSame(await idsOf(store, 'ann'), ['id'])
  t.equal(await store.replace('id', 'second', 'third', inAnHour(), 'bob'), 'replaced')
  t.equal(await store.replace('id', 'third', 'end', inAnHour()), 'replaced')
  await store.delete('id')
}

for (const [name, connect] of Object.entries(clients)) {
  t.test(`a user with the documented commands and no others can do everything with ${name}, and is told of no error`, async t => {
    const missing = redisMissing()
    if (missing) return skipOrFail(t, missing)
    const server = await startRedis()
    const admin = new Redis({ port: server.port })
    const warnings = t.capture(console, 'warn')
    t.teardown(async () => {
      admin.disconnect()
      await server.stop()
    })
    t.ok(documented.includes('EVALSHA'), sentence)
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>pw', '~sess:*', '-@all', ...documented.map(command => `+${command.toLowerCase()}`))
    const errors: string[] = []
    const { client, close } = await connect(server.port, error => errors.push(error.message))
    t.teardown(close)
    await admin.config('RESETSTAT')
    await useEverything(t, client)
    const asked = async () => [...(await admin.info('commandstats')).matchAll(/^cmdstat_([a-z]+):/gm)].map(([, command = '']) => command.toUpperCase())
    const pings = name === 'node-redis'
    if (pings) await waitUntil('the client has pinged', async () => (await asked()).includes('PING'))
    await client.get('sess:id:last')
    t.strictSame(errors, [])
    t.strictSame(warnings(), [])
    const used = await asked()
    t.strictSame(documented.filter(command => !used.includes(command)), pings ? [] : ['PING'], 'none is asked for in vain')
  })
}
