import { cases } from './cases.mjs'
import { median } from './statistics.mjs'

const backends = /** @type {const} */ ({ none: 'Without sessions', cookie: 'Session in the cookie', memory: 'Memory store', redis: 'Redis' })

/** @param {readonly string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`
/** @param {readonly string[]} head @param {readonly (readonly string[])[]} body */
const table = (head, body) => [line(head), line(head.map((_, i) => i === 0 ? '---' : '--:')), ...body.map(line)].join('\n')

/** @param {import('./statistics.mjs').Spread} ratio */
const ratioText = ({ median, low, high }) => `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`

/** @param {readonly import('./report.mjs').Row[]} rows */
const driftOf = (rows) => median(rows.flatMap((row) => Object.values(row.cases).map(({ drift }) => drift.median)))
const percent = (/** @type {number} */ share) => (share * 100).toFixed(0)

/** @param {import('./report.mjs').Row} row */
const name = (row) => row.group === 'ours' ? `**${row.title}**` : row.title

/** @param {import('./report.mjs').Report} report */
export function markdown ({ about, rows }) {
  const measured = rows.filter((row) => Object.keys(row.cases).length > 0)
  const used = cases.filter(({ id }) => measured.some((row) => id in row.cases))
  return [
    '# Results',
    '',
    `${about.date} · commit ${about.commit}${about.uncommitted ? ' with uncommitted changes' : ''} · Node ${about.node} · ${about.machine} · ${about.rounds} rounds of ${about.seconds} s · load average before ${String(/** @type {number[]} */ (about.loadAverageBefore)[0])}, after ${String(/** @type {number[]} */ (about.loadAverageAfter)[0])}`,
    '',
    `Between two neighbouring runs bare Fastify itself moved by ${percent(driftOf(measured))} % (median): ratios that differ by less than that do not differ.`,
    '',
    '## Server CPU per request ÷ bare Fastify: median (least–most of the rounds)',
    ...byBackend(measured, used.map((c) => c.id), (row, id) => row.cases[id] && ratioText(row.cases[id].ratio)),
    '',
    '## Requests per second, 10 connections in a closed loop',
    ...byBackend(measured, used.map((c) => c.id), (row, id) => row.cases[id] && Math.round(row.cases[id].perSecond.median).toLocaleString('en')),
    '',
    '## p99 in milliseconds, at that saturation',
    ...byBackend(measured, used.map((c) => c.id), (row, id) => row.cases[id] && (row.cases[id].p99Micros.median / 1000).toFixed(2)),
    '',
    '## Resident memory of the server in MiB, after each case',
    ...byBackend(measured, used.map((c) => c.id), (row, id) => row.cases[id] && (row.cases[id].rssBytes.median / 2 ** 20).toFixed(0)),
    '',
    '## Bytes on the wire: Set-Cookie of each case, and the Cookie header a browser sends back',
    ...byBackend(measured.filter((row) => row.backend !== 'none'), ['A', 'U', 'R', 'W', 'N', 'Cookie'], (row, id) => String(id === 'Cookie' ? row.cookieBytes : row.setCookieBytes[id] ?? '')),
    ...absent(rows)
  ].join('\n') + '\n'
}

/** @param {readonly import('./report.mjs').Row[]} rows @param {readonly string[]} columns @param {(row: import('./report.mjs').Row, column: string) => string | undefined} cell */
function byBackend (rows, columns, cell) {
  return Object.entries(backends).flatMap(([backend, title]) => {
    const members = rows.filter((row) => row.backend === backend)
    if (members.length === 0) return []
    return ['', table([title, ...columns], members.map((row) => [name(row), ...columns.map((column) => cell(row, column) ?? '–')]))]
  })
}

/** @param {readonly import('./report.mjs').Row[]} rows */
function absent (rows) {
  const missing = rows.filter((row) => row.unavailable !== undefined)
  return missing.length === 0 ? [] : ['', '## Not measured', '', ...missing.map((row) => `- ${row.title}: ${row.unavailable}`)]
}
