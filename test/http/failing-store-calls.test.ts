import t, { type Test } from 'tap'
import { setCookies } from '../support/app.js'
import { timed } from '../support/clock.js'
import { faultyApp, TIMEOUT, UNAVAILABLE } from '../support/failure-app.js'
import { ATTACHED, DRIVER_TEXT, FAULTS, type Operation } from '../support/faulty-store.js'

/** A route, the store calls it makes, and how many good ones of that kind come before the one that fails. */
interface Case { readonly route: string, readonly operation: Operation, readonly skip?: number, readonly fresh?: boolean }

/** Of pino. */
const ERROR = 50
/** What `destroy()` asked for is tried once more when the response has left, and that is a failure of its own. */
const TRIED_AGAIN = 'session could not be ended'

const CASES: readonly Case[] = [
  { route: 'read', operation: 'load' },
  { route: 'write', operation: 'load' },
  { route: 'write', operation: 'replace' },
  { route: 'write', operation: 'create', fresh: true },
  { route: 'save', operation: 'replace' },
  { route: 'save', operation: 'create', fresh: true },
  { route: 'update', operation: 'replace' },
  { route: 'update', operation: 'create', fresh: true },
  { route: 'reload', operation: 'load', skip: 1 },
  { route: 'rotate', operation: 'create' },
  { route: 'rotate', operation: 'replace' },
  { route: 'login', operation: 'create' },
  { route: 'login', operation: 'replace' },
  { route: 'destroy', operation: 'replace' }
]

for (const { route, operation, skip = 0, fresh = false } of CASES) {
  for (const [how, fault] of Object.entries(FAULTS)) {
    t.test(`R-11 R-12 S-16.5.1: /${route}${fresh ? ' for the first time' : ''} while ${operation} ${how}`, async t => {
      const { client, store, memory, logs, uncaught } = await faultyApp(t)
      if (!fresh) await client.get('/write')
      store.break(operation, fault, { skip })
      const before = client.token
      const { value: response, took } = await timed(client.get(`/${route}`))
      t.equal(response.statusCode, 503)
      t.strictSame(response.json(), UNAVAILABLE, 'the answer says nothing of the store')
      t.strictSame(setCookies(response.headers), [])
      t.ok(took <= TIMEOUT, `answered within ${took} ms`)
      assertLogged(t, logs, how)

      store.heal()
      await timed(new Promise((resolve) => setTimeout(resolve, 20_000)), 1_000)
      t.equal(client.token, before)
      const { value: after } = await timed(client.get('/read'))
      t.equal(after.statusCode, 200, 'and back when the store is')
      t.equal(after.json().visits, visitsLeft(route, operation, how, fresh), 'the session is as it was')
      t.equal(memory.size, recordsLeft(route, operation, how, fresh), 'nothing is left behind')
      t.strictSame(uncaught, [])
    })
  }
}

function assertLogged (t: Test, logs: ReadonlyArray<Record<string, unknown>>, how: string): void {
  const lines = logs.filter(({ level, msg }) => level === ERROR && msg !== TRIED_AGAIN)
  t.equal(lines.length, 1, 'one failure is one line')
  const text = JSON.stringify(logs)
  if (['rejects', 'throws'].includes(how)) t.match(text, DRIVER_TEXT, 'the cause is in the log')
  if (how === 'hangs') t.match(text, /(create|load|replace)\(\) of .+ had no answer within 2000 ms/, 'which names the call, the store and the time')
  t.notMatch(text, ATTACHED, 'without what the driver attached')
}

/** A call that was given up may be done all the same, and only the store knows. */
function visitsLeft (route: string, operation: Operation, how: string, fresh: boolean): number {
  if (fresh) return 0
  if (operation !== 'replace' || how !== 'answers too late') return 1
  return ['write', 'save', 'update'].includes(route) ? 2 : 0
}

/** A record that was created too late is one that nobody has a token of: it ends by its deadline. */
function recordsLeft (route: string, operation: Operation, how: string, fresh: boolean): number {
  const late = how === 'answers too late'
  if (fresh) return late ? 1 : 0
  if (operation === 'create') return late ? 2 : 1
  return visitsLeft(route, operation, how, fresh) === 0 ? 0 : 1
}
