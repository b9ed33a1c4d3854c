import { concurrencyTests } from './conformance/concurrency.js'
import { deadlineTests } from './conformance/deadlines.js'
import { idTests } from './conformance/ids.js'
import { payloadTests } from './conformance/payloads.js'
import { recordTests } from './conformance/records.js'
import { runner } from './conformance/runner.js'
import { subjectTests } from './conformance/subjects.js'
import { sweepTests } from './conformance/sweep.js'
import type { ConformanceOptions, ConformanceTest, OpenStore } from './conformance/runner.js'

export type { Absent, ConformanceOptions, ConformanceTest, OpenedStore, OpenStore } from './conformance/runner.js'

/**
 * The contract of `SessionStore` in sentences, each of them a test. A store that passes may be given to the plugin.
 *
 * ```ts
 * import { test } from 'node:test'
 * import { storeConformance } from 'fastify-typed-session/conformance'
 * import { myStore } from './my-store.js'
 *
 * storeConformance(test, () => myStore())
 * ```
 *
 * Any runner will do whose `test(name, fn)` takes a function that returns a promise: `node:test`, vitest, jest.
 * With tap: `storeConformance((name, fn) => t.test(name, async (t) => { await fn(); t.pass() }), open)`.
 *
 * A store keeps these rules as well, beyond the comments of the interface:
 *
 * - `open` is called once per test and gives a store that holds nothing, for instance one with a prefix or a table
 *   of its own. If it has to be undone, it returns `{ store, close }`.
 * - Compare, then write, is one atomic step of the engine, and so is `create` over a record that expired and is still
 *   kept. A read followed by a write is not, and fails here.
 * - `replace` by an equal payload is a write like any other: its deadline and its subject count.
 * - A deadline that has passed when it is given is no error: the record is not there afterwards. One that is no time
 *   (`NaN`, `Infinity`, farther than a `Date` reaches) is refused with a rejection, and changes nothing.
 * - Payloads come back exactly. Text that the engine cannot hold (NUL, a lone surrogate) is refused with a rejection.
 * - The plugin gives ids of a fixed alphabet and length (`namespace` and 64 hexadecimal digits). A store is safe with
 *   any other string as well: it refuses it, or treats it as an ordinary id.
 * - An engine that deletes by itself, or cannot find by subject, leaves that member out and says so in `without`.
 *
 * Waits are real, since engines have clocks of their own: up to three times `granularity` in one test, or a few tenths
 * of a second. The longest make 1,200 records. With a `granularity` of more than 1000, or a slow engine, give your
 * runner more time than the 5 s of vitest and jest.
 *
 * @param test registers one test
 * @param open makes an empty store, asynchronously if it needs to
 */
export function storeConformance (test: ConformanceTest, open: OpenStore, options: ConformanceOptions = {}): void {
  const run = runner(test, open, options)
  recordTests(run)
  concurrencyTests(run)
  deadlineTests(run)
  payloadTests(run)
  idTests(run)
  subjectTests(run)
  sweepTests(run)
}
