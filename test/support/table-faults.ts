import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { busy } from './busy.js'
import { prepareStore } from './engine.js'
import type { DeadlyScene } from './engine-failures.js'
import { RECOVERY } from './fault-visitors.js'
import { waitUntil } from './server-process.js'

type People = DeadlyScene['people']

/** Nobody has a session any more, which is no failure, and everybody gets a new one. */
export async function beginAnew (t: Test, people: People): Promise<void> {
  t.strictSame(await people.everybody('read'), ['anonymous'])
  t.strictSame(await people.everybody('write'), ['anonymous'])
  t.strictSame(await people.everybody(), ['served'])
  await people.recover()
}

/** What an administrator does to the table of sessions while the application runs. `execute` runs a statement past it. */
export function tableFaults (execute: (port: number, statement: string) => Promise<unknown>) {
  return async (t: Test, { server, people, lenient, row }: DeadlyScene): Promise<void> => {
    const { port } = server
    await t.test('R-15 a table that was emptied: nobody has a session, and everybody gets a new one', async t => {
      await execute(port, 'TRUNCATE TABLE sessions')
      await beginAnew(t, people)
    })

    await t.test('R-15 a table that is away: a 503, not "no such session", and everybody is back with it', async t => {
      await execute(port, 'ALTER TABLE sessions RENAME TO away')
      t.strictSame(await people.everybody(), ['unavailable'])
      t.strictSame(await lenient.everybody('read'), ['anonymous'])
      t.strictSame(await lenient.everybody('write'), ['unavailable'])
      await execute(port, 'ALTER TABLE away RENAME TO sessions')
      await people.recover()
    })

    await t.test('R-15 a table that was dropped and created anew: a 503 in between, then new sessions', async t => {
      await execute(port, 'DROP TABLE sessions')
      t.strictSame(await people.everybody(), ['unavailable'])
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
}
