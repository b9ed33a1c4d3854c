import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import type { Test } from 'tap'
import { busy } from '../../support/busy.js'
import type { DeadlyScene } from '../../support/engine-failures.js'
import { RECOVERY } from '../../support/fault-visitors.js'
import { waitUntil } from '../../support/server-process.js'
import { beginAnew } from '../../support/table-faults.js'
import { mongoUrl } from './engine.js'

export async function ofServer (t: Test, { server, people, row }: DeadlyScene): Promise<void> {
  await t.test('R-15 a collection that was dropped: nobody has a session, and everybody gets a new one', async t => {
    const client = new MongoClient(mongoUrl(server.port))
    t.teardown(() => client.close())
    await client.db().dropCollection('sessions')
    await beginAnew(t, people)
  })

  await t.test('R-15 a server that comes back empty: nobody has a session, and everybody gets a new one', async t => {
    await server.signal('SIGKILL')
    t.strictSame(await people.everybody(), ['unavailable'])
    rmSync(join(server.directory, 'data'))
    await server.restart()
    await waitUntil(`${row.name} is back`, async () => (await people.everybody('read')).join() === 'anonymous', RECOVERY + busy())
    await beginAnew(t, people)
  })
}
