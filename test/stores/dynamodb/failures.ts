import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { busy } from '../../support/busy.js'
import { prepareStore } from '../../support/engine.js'
import type { DeadlyScene } from '../../support/engine-failures.js'
import { RECOVERY } from '../../support/fault-visitors.js'
import { waitUntil } from '../../support/server-process.js'
import { beginAnew } from '../../support/table-faults.js'
import { openDynamodb } from './engine.js'

export async function ofServer (t: Test, { server, people, lenient, row }: DeadlyScene): Promise<void> {
  await t.test('R-15 a table that was deleted and created anew: a 503 in between, then new sessions', async t => {
    const client = openDynamodb(server.port)
    t.teardown(() => client.destroy())
    await client.deleteTable({ TableName: 'sessions' })
    t.strictSame(await people.everybody(), ['unavailable'])
    t.strictSame(await lenient.everybody('read'), ['anonymous'])
    await prepareStore(row.address)
    await beginAnew(t, people)
  })

  await t.test('R-15 a server that comes back empty: a 503 until its table is there, then new sessions', async t => {
    await server.signal('SIGKILL')
    t.strictSame(await people.everybody(), ['unavailable'])
    rmSync(join(server.directory, 'data'), { recursive: true })
    await server.restart()
    t.strictSame(await people.everybody(), ['unavailable'])
    await prepareStore(row.address)
    await waitUntil(`${row.name} is back`, async () => (await people.everybody('read')).join() === 'anonymous', RECOVERY + busy())
    await beginAnew(t, people)
  })
}
