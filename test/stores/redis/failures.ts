import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { busy } from '../../support/busy.js'
import type { DeadlyScene } from '../../support/engine-failures.js'
import { RECOVERY } from '../../support/fault-visitors.js'
import { waitUntil } from '../../support/server-process.js'

/** What only Redis and Valkey do to their clients. */
export async function ofServer (t: Test, { server, people, row }: DeadlyScene): Promise<void> {
  const admin = new Redis({ port: server.port })
  admin.on('error', () => {})
  t.teardown(() => admin.disconnect())

  await t.test('R-16 a master that became a read-only replica: sessions are read, and every write is a 503', async t => {
    await admin.replicaof('127.0.0.1', 1)
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    await admin.replicaof('NO', 'ONE')
    await people.recover()
  })

  await t.test('R-20 a server without memory: sessions are read and can end, and every write is a 503', async t => {
    await people.run((session) => { session.note = 'leaves' }, people.nobody)
    await admin.config('SET', 'maxmemory', '1')
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    const { header } = people.nobody
    t.equal((await people.run((session) => session.destroy(), people.nobody)).statusCode, 200)
    people.nobody.jar.set(...header.split('=', 2) as [string, string])
    t.equal((await people.run((session) => session.isNew, people.nobody)).value, true)
    await admin.config('SET', 'maxmemory', '0')
    await people.recover()
  })

  await t.test('R-20 a server that takes no more clients: a 503, and back once it does', async t => {
    await admin.config('SET', 'maxclients', '1')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await waitUntil('the application has lost its connection', async () => (await people.everybody('read')).join() === 'unavailable')
    t.strictSame(await people.everybody(), ['unavailable'])
    await admin.config('SET', 'maxclients', '1000')
    await people.recover()
  })

  await t.test('R-15 a server that comes back empty: nobody has a session, and everybody gets a new one', async t => {
    await server.signal('SIGKILL')
    t.strictSame(await people.everybody(), ['unavailable'])
    rmSync(join(server.directory, 'appendonlydir'), { recursive: true })
    await server.restart()
    await waitUntil(`${row.name} is back`, async () => (await people.everybody('read')).join() === 'anonymous', RECOVERY + busy())
    t.strictSame(await people.everybody('write'), ['anonymous'])
    t.strictSame(await people.everybody(), ['served'])
  })
}
