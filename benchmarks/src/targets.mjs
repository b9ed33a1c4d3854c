import { subjects } from './subjects/index.mjs'

/**
 * The targets of issue 14, against the rows of one run. `verdict`: met; equal, where the median is above the limit and the
 * ranges of the rounds overlap; missed.
 *
 * @typedef {import('./statistics.mjs').Spread} Spread
 * @typedef {import('./report.mjs').Row} Row
 * @typedef {{ target: string, against: string, figure: Spread, limit: Spread, verdict: 'met' | 'equal' | 'missed' }} Checked
 *
 * @typedef {object} Rule
 * @property {string} title
 * @property {(ours: Row) => Record<string, number>} factors how many times the other's figure ours may be, by case
 * @property {(ours: Row, id: string, rows: readonly Row[], ratiosOf: RatiosOf) => { name: string, ratio: Spread | undefined }[]} others the best of these counts
 *
 * @typedef {(row: Row) => Record<string, { ratio: Spread }>} RatiosOf the figures of a row, by case
 */

const cold = (/** @type {number} */ factor) => ({ 'U-cold': factor, 'R-cold': factor, 'W-cold': factor })
const constant = (/** @type {number} */ value) => ({ median: value, low: value, high: value })

// Rows of results from before 2026-12 do not say what they were divided by.
const onFastify = (/** @type {Row} */ row) => (row.bare ?? subjects.find(({ id }) => id === row.id)?.bare ?? 'bare') === 'bare'

/** @type {(prefix: string) => Rule['others']} */
const counterpart = (prefix) => (ours, id, rows, ratiosOf) => rows
  .filter((row) => row.id === ours.id.replace('ours', prefix))
  .map((row) => ({ name: row.id, ratio: ratiosOf(row)[id]?.ratio }))

/** @type {readonly Rule[]} */
const rules = [
  {
    title: 'the best Fastify peer',
    factors: () => ({ R: 0.9, U: 1, W: 1, N: 1, ...cold(1.15) }),
    others: (ours, id, rows, ratiosOf) => rows
      .filter((row) => row.group === 'peer' && row.backend === ours.backend && onFastify(row))
      .map((row) => ({ name: row.id, ratio: ratiosOf(row)[id]?.ratio }))
  },
  {
    title: 'the hand-written floor',
    factors: ({ backend }) => backend === 'redis' ? { R: 1.15, W: 1.2, N: 1.2, ...cold(1.35) } : { R: 1.1, W: 1.35, N: 1.35, ...cold(1.35) },
    others: counterpart('hand')
  },
  {
    title: 'the yardstick',
    factors: () => ({ A: 1.25, U: 1.25, R: 1.25, W: 1.25, N: 1.25, ...cold(1.25) }),
    others: counterpart('yardstick')
  },
  {
    title: 'bare Fastify',
    factors: ({ backend }) => /** @type {Record<string, number>} */ (backend === 'redis' ? {} : { U: 1.1, 'U-cold': 1.1 }),
    others: () => [{ name: 'bare', ratio: constant(1) }]
  },
  {
    title: 'its own R',
    factors: ({ backend }) => /** @type {Record<string, number>} */ (backend === 'redis' ? { U: 1 } : {}),
    others: (ours, _id, _rows, ratiosOf) => [{ name: ours.id, ratio: ratiosOf(ours).R?.ratio }]
  }
]

/** Rows that a run has not measured are not checked. @param {readonly Row[]} rows @param {RatiosOf} ratiosOf @returns {Checked[]} */
export function checkTargets (rows, ratiosOf) {
  const ours = rows.filter((row) => row.group === 'ours' && !row.id.endsWith('optout'))
  return rules.flatMap(({ title, factors, others }) => ours.flatMap((row) => Object.entries(factors(row)).flatMap(([id, factor]) => {
    const figure = ratiosOf(row)[id]?.ratio
    const best = lowest(others(row, id, rows, ratiosOf))
    if (figure === undefined || best === undefined) return []
    const limit = times(best.ratio, factor)
    return [{ target: `${row.id} ${id}`, against: `${factor} × ${title}${best.name === 'bare' || best.name === row.id ? '' : ` (${best.name})`}`, figure, limit, verdict: judge(figure, limit) }]
  })))
}

/** @param {{ name: string, ratio: Spread | undefined }[]} others */
function lowest (others) {
  return others.flatMap(({ name, ratio }) => ratio === undefined ? [] : [{ name, ratio }]).sort((a, b) => a.ratio.median - b.ratio.median)[0]
}

/** @param {Spread} spread @param {number} factor @returns {Spread} */
const times = ({ median, low, high }, factor) => ({ median: median * factor, low: low * factor, high: high * factor })

/** @param {Spread} figure @param {Spread} limit @returns {Checked['verdict']} */
export function judge (figure, limit) {
  if (figure.median <= limit.median) return 'met'
  return figure.low <= limit.high ? 'equal' : 'missed'
}
