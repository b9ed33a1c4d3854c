import { createClient, RESP_TYPES } from 'redis'
import t from 'tap'
import { redisStore } from '../../../lib/stores/redis.js'
import { httpApp } from '../../support/http-scene.js'
import { redisMissing, startRedis } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'

t.test('R-14: a node-redis client that answers with Buffers is a failure that says what to change, and loses no save in silence', async t => {
  const missing = redisMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startRedis()
  const client = createClient({ socket: { port: server.port, host: '127.0.0.1' } })
  await client.connect()
  t.teardown(async () => {
    client.destroy()
    await server.stop()
  })
  const mapped = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const { run, logs } = await httpApp(t, redisStore({ client: mapped as unknown as typeof client }))
  t.equal((await run((session) => { session.visits++ })).statusCode, 200)
  t.equal((await run((session) => { session.visits++ })).statusCode, 503)
  t.match(logs.filter(({ level }) => level === 50), [{ err: { message: /typeMapping/ } }])

  const plain = await httpApp(t, redisStore({ client }))
  t.equal((await plain.run((session) => { session.visits++ })).statusCode, 200)
  t.equal((await plain.run((session) => ++session.visits)).value, 2)
})
