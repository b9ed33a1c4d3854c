import { Parser } from 'tap-parser'

/** How the test between two files that share a process is called, with a number. */
export const END = 'end of the file'

/**
 * @typedef {{ name: string, lines: string[] }} Failure
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ passed: number, failures: Failure[], skips: Skip[] }} Tally
 */

/**
 * Counts what the tests of a process say. `fileEnded` gets what belongs to a file that is not the last; resolves with the rest.
 * @param {import('node:stream').Readable} output
 * @param {(tally: Tally) => void} fileEnded
 * @returns {Promise<Tally>}
 */
export function readTap (output, fileEnded) {
  let tally = nothing()
  /** @type {string[]} */
  const ended = []
  const listen = (/** @type {Parser} */ parser) => {
    parser.on('child', listen)
    parser.on('assert', (/** @type {import('tap-parser').Result} */ result) => {
      const isEnd = parser.level === 0 && result.name.startsWith(END)
      // A test that threw after it had ended is told twice.
      if (isEnd && ended.includes(result.name)) return
      if (!result.ok || !(isEnd || parser.name.startsWith(END))) count(tally, result)
      if (!isEnd) return
      ended.push(result.name)
      fileEnded(tally)
      tally = nothing()
    })
  }
  const parser = new Parser()
  listen(parser)
  return new Promise((resolve) => {
    parser.on('complete', ({ plan, failures: errors, bailout }) => {
      const { skips, failures } = tally
      if (plan.skipAll) skips.push({ name: '', reason: plan.skipReason })
      if (bailout !== false) failures.push({ name: `gave up: ${bailout}`, lines: [] })
      const unsaid = errors.filter((/** @type {{ tapError?: string }} */ error) => error.tapError)
      if (failures.length === 0) for (const { tapError } of unsaid) failures.push({ name: String(tapError), lines: [] })
      resolve(tally)
    })
    output.pipe(/** @type {any} */ (parser))
  })
}

function count (/** @type {Tally} */ tally, /** @type {import('tap-parser').Result} */ result) {
  if (result.skip || result.todo) tally.skips.push({ name: result.fullname, reason: String(result.skip || result.todo) })
  else if (result.ok) tally.passed += result.closingTestPoint ? 0 : 1
  else if (!result.closingTestPoint || tally.failures.length === 0) tally.failures.push({ name: result.fullname, lines: linesOf(result.diag) })
}

/** @returns {Tally} */
const nothing = () => ({ passed: 0, failures: [], skips: [] })

/** What a person wants to see of a failure: where, the difference, and the way there. */
function linesOf (/** @type {any} */ diag) {
  if (!diag) return []
  const { at, diff, stack, source, ...others } = diag
  const place = at ? [`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`] : []
  const rest = diff ? [] : Object.entries(others).filter(([name]) => name !== 'compare').map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [...place, ...rest, ...[diff, source, stack].filter(Boolean).flatMap((text) => String(text).trimEnd().split('\n'))]
}
