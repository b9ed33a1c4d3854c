import { parseArgs } from 'node:util'
import { chooseCases } from './cases.mjs'
import { resultName } from './processor.mjs'
import { chooseSubjects } from './subjects/index.mjs'
import { chooseWays } from './ways.mjs'

const list = (/** @type {string | undefined} */ text) => text?.split(',').filter(Boolean)

/** @param {string | undefined} text @param {string} name @param {number} fallback */
export function positive (text, name, fallback) {
  const number = text === undefined ? fallback : Number(text)
  if (!(number > 0)) throw new Error(`--${name} must be a positive number`)
  return number
}

const full = { rounds: 5, seconds: 2, warmUp: { first: 3, again: 1, requests: 0 } }
// A small route is compiled after a few hundred requests, so two thousand are enough; a third of a second lets the compiler's thread finish.
const short = { rounds: 2, seconds: 0.5, warmUp: { first: 0.8, again: 0.3, requests: 2000 } }

/**
 * `--rounds 5 --seconds 2 --cases R,W-cold --subjects ours,secure-session,redis --ways closed --name quick --no-write`, or
 * `--short` for the lengths of a short run.
 *
 * @param {string[]} argv
 * @param {{ rounds?: number, seconds?: number, subjects?: string[], cases?: string[], ways?: string[] }} [defaults]
 */
export function parseOptions (argv, defaults = {}) {
  const { values } = parseArgs({
    args: argv,
    options: {
      short: { type: 'boolean' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      cases: { type: 'string' },
      subjects: { type: 'string' },
      ways: { type: 'string' },
      base: { type: 'string' },
      name: { type: 'string' },
      'no-write': { type: 'boolean' }
    }
  })
  const lengths = values.short ? short : { ...full, ...defaults }
  return {
    rounds: positive(values.rounds, 'rounds', lengths.rounds),
    seconds: positive(values.seconds, 'seconds', lengths.seconds),
    warmUp: lengths.warmUp,
    cases: chooseCases(list(values.cases) ?? defaults.cases),
    subjects: chooseSubjects(list(values.subjects) ?? defaults.subjects),
    ways: chooseWays(list(values.ways) ?? defaults.ways),
    base: values.base ?? 'main',
    name: values.name ?? resultName(new Date()),
    write: values['no-write'] !== true
  }
}
