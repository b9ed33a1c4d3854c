import { cases } from './cases.mjs'
import { titleOf } from './report.mjs'
import { median } from './statistics.mjs'
import { checkTargets } from './targets.mjs'

const backends = /** @type {const} */ ({ none: 'Without sessions', cookie: 'Session in the cookie', memory: 'Memory store', redis: 'Redis' })

/** @typedef {import('./report.mjs').Row} Row */
/** @typedef {import('./targets.mjs').RatiosOf} RatiosOf */
/** @typedef {(figures: import('./report.mjs').Figures) => string} Cell */

/** @param {readonly string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`
/** @param {readonly string[]} head @param {readonly (readonly string[])[]} body */
const table = (head, body) => [line(head), line(head.map((_, i) => i === 0 ? '---' : '--:')), ...body.map(line)].join('\n')

/** @param {import('./statistics.mjs').Spread} ratio */
const ratioText = ({ median, low, high }) => `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
const percent = (/** @type {number} */ share) => (share * 100).toFixed(0)

/** @param {Row} row */
const name = (row) => row.group === 'ours' ? `**${titleOf(row)}**` : titleOf(row)

const closedLoop = (/** @type {Row} */ row) => row.cases
// Results from before 2026-12 were taken in the closed loop only.
const fixedRate = (/** @type {Row} */ row) => row.fixed ?? {}

/** So far behind the fixed rate, nothing is measured below saturation any more. @param {import('./report.mjs').Figures} figures @param {number} rate */
const isBehind = ({ perSecond }, rate) => perSecond.median < rate * 0.8

/** @param {import('./report.mjs').Report} report */
export function markdown ({ about, rows }) {
  const unlessBehind = (/** @type {Cell} */ cell) => (/** @type {import('./report.mjs').Figures} */ figures) => isBehind(figures, about.rate) ? 'behind' : cell(figures)
  return [
    `# Results: ${about.machine}, Node ${about.node}`,
    '',
    `${about.date} · commit ${about.commit}${about.uncommitted ? ' with uncommitted changes' : ''} · ${about.rounds} rounds of ${about.seconds} s · load average before ${about.loadAverageBefore[0]}, after ${about.loadAverageAfter[0]}`,
    '',
    'These figures hold for this processor and this Node. On another one the rows may be in another order.',
    ...[
      section(rows, closedLoop, 'Server CPU per request ÷ bare server, in a closed loop: median (least–most of the rounds)', ({ ratio }) => ratioText(ratio), driftText(rows, closedLoop)),
      section(rows, fixedRate, `Server CPU per request ÷ bare server, at ${about.rate} requests a second: median (least–most of the rounds)`, unlessBehind(({ ratio }) => ratioText(ratio)), driftText(rows, fixedRate)),
      section(rows, closedLoop, 'Requests per second, 10 connections in a closed loop', ({ perSecond }) => Math.round(perSecond.median).toLocaleString('en')),
      section(rows, closedLoop, 'p99 in milliseconds, at that saturation', ({ p99Micros }) => (p99Micros.median / 1000).toFixed(2)),
      section(rows, fixedRate, `p99 in milliseconds, at ${about.rate} requests a second`, unlessBehind(({ p99Micros }) => (p99Micros.median / 1000).toFixed(2))),
      section(rows, (row) => ({ ...fixedRate(row), ...closedLoop(row) }), 'Resident memory of the server in MiB, after each case', ({ rssBytes }) => (rssBytes.median / 2 ** 20).toFixed(0))
    ].flat(),
    '',
    '## Bytes on the wire: Set-Cookie of each case, and the Cookie header a browser sends back',
    ...byBackend(rows.filter((row) => row.backend !== 'none' && row.unavailable === undefined), ['A', 'U', 'R', 'W', 'N', 'Cookie'], (row, id) => String(id === 'Cookie' ? row.cookieBytes : row.setCookieBytes[id] ?? '')),
    ...seals(rows),
    ...absent(rows),
    ...targets({ about, rows })
  ].join('\n') + '\n'
}

/** One figure of every row and case; nothing if no row has it. @param {readonly Row[]} rows @param {(row: Row) => Row['cases']} figuresOf @param {string} title @param {Cell} cell @param {string} [note] */
function section (rows, figuresOf, title, cell, note) {
  const measured = rows.filter((row) => Object.keys(figuresOf(row)).length > 0)
  if (measured.length === 0) return []
  const used = cases.filter(({ id }) => measured.some((row) => id in figuresOf(row))).map(({ id }) => id)
  const cellOf = (/** @type {Row} */ row, /** @type {string} */ id) => { const figures = figuresOf(row)[id]; return figures && cell(figures) }
  return ['', `## ${title}`, ...note === undefined ? [] : ['', note], ...byBackend(measured, used, cellOf)]
}

/** @param {readonly Row[]} rows @param {(row: Row) => Row['cases']} figuresOf */
function driftText (rows, figuresOf) {
  const drifts = rows.flatMap((row) => Object.values(figuresOf(row)).map(({ drift }) => drift.median))
  return `Divided by bare Fastify, or by the bare server that a row names. Between two neighbouring runs that server itself moved by ${percent(median(drifts))} % (median): ratios that differ by less than that do not differ.`
}

/** @param {readonly Row[]} rows @param {readonly string[]} columns @param {(row: Row, column: string) => string | undefined} cell */
function byBackend (rows, columns, cell) {
  return Object.entries(backends).flatMap(([backend, title]) => {
    const members = rows.filter((row) => row.backend === backend)
    if (members.length === 0) return []
    return ['', table([title, ...columns], members.map((row) => [name(row), ...columns.map((column) => cell(row, column) ?? '–')]))]
  })
}

/** @param {readonly Row[]} rows */
function seals (rows) {
  const sealed = rows.filter((row) => row.seal !== undefined)
  if (sealed.length === 0) return []
  return ['', '## How each cookie is protected, and by which code', '', ...sealed.map((row) => `- ${name(row)}: ${row.seal}`)]
}

/** @param {readonly Row[]} rows */
function absent (rows) {
  const missing = rows.filter((row) => row.unavailable !== undefined)
  return missing.length === 0 ? [] : ['', '## Not measured', '', ...missing.map((row) => `- ${row.title}: ${row.unavailable}`)]
}

/** What the project has set itself, in each way of measuring. @param {import('./report.mjs').Report} report */
export function targets ({ about, rows }) {
  const kept = (/** @type {Row} */ row) => Object.fromEntries(Object.entries(fixedRate(row)).filter(([, figures]) => !isBehind(figures, about.rate)))
  const parts = [...targetsOf(rows, closedLoop, 'Targets, in the closed loop'), ...targetsOf(rows, kept, 'Targets, at the fixed rate')]
  return parts.length === 0 ? [] : [...parts, '', '*Equal*: above the limit, but the ranges of the rounds overlap.']
}

/** @param {readonly Row[]} rows @param {RatiosOf} ratiosOf @param {string} title */
function targetsOf (rows, ratiosOf, title) {
  const checked = checkTargets(rows, ratiosOf)
  if (checked.length === 0) return []
  const count = (/** @type {string} */ verdict) => checked.filter((one) => one.verdict === verdict).length
  return [
    '',
    `## ${title}`,
    '',
    `${checked.length} targets: ${count('met')} met, ${count('equal')} equal, ${count('missed')} missed.`,
    '',
    table(['target', 'at most', 'that is', 'figure', ''], checked.map(({ target, against, limit, figure, verdict }) => [target, against, ratioText(limit), ratioText(figure), verdict === 'missed' ? '**missed**' : verdict]))
  ]
}
