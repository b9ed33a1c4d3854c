import { parseArgs } from 'node:util'
import { chooseCases } from './cases.mjs'
import { chooseSubjects } from './subjects/index.mjs'

const list = (/** @type {string | undefined} */ text) => text?.split(',').filter(Boolean)

/** @param {string | undefined} text @param {string} name @param {number} fallback */
export function positive (text, name, fallback) {
  const number = text === undefined ? fallback : Number(text)
  if (!(number > 0)) throw new Error(`--${name} must be a positive number`)
  return number
}

/**
 * `--rounds 5 --seconds 2 --cases R,W-cold --subjects ours,secure-session,redis --name quick --no-write`
 *
 * @param {string[]} argv
 * @param {{ rounds?: number, seconds?: number, subjects?: string[], cases?: string[] }} [defaults]
 */
export function parseOptions (argv, defaults = {}) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      cases: { type: 'string' },
      subjects: { type: 'string' },
      base: { type: 'string' },
      name: { type: 'string' },
      'no-write': { type: 'boolean' }
    }
  })
  return {
    rounds: positive(values.rounds, 'rounds', defaults.rounds ?? 5),
    seconds: positive(values.seconds, 'seconds', defaults.seconds ?? 2),
    cases: chooseCases(list(values.cases) ?? defaults.cases),
    subjects: chooseSubjects(list(values.subjects) ?? defaults.subjects),
    base: values.base ?? 'main',
    name: values.name ?? new Date().toISOString().slice(0, 10),
    write: values['no-write'] !== true
  }
}
