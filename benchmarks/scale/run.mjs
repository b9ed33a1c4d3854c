import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { positive } from '../src/options.mjs'
import { resultName } from '../src/processor.mjs'
import { about } from '../src/report.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'
import { cluster } from './cluster.mjs'
import { growth } from './growth.mjs'
import { memory } from './memory.mjs'
import { sweep } from './sweep.mjs'
import { writers } from './writers.mjs'

// `npm run bench:scale -- memory writers --sessions 100000`; without names, all of them.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sessions: { type: 'string' }, expired: { type: 'string' }, saves: { type: 'string' }, seconds: { type: 'string' }, name: { type: 'string' }, 'no-write': { type: 'boolean' } }
})
const options = {
  sessions: positive(values.sessions, 'sessions', 1_000_000),
  expired: positive(values.expired, 'expired', 1_000_000),
  saves: positive(values.saves, 'saves', 5_000),
  seconds: positive(values.seconds, 'seconds', 2)
}
const runs = /** @type {Record<string, (options: any) => Promise<{ title: string, head: string[], rows: string[][] }>>} */ ({ memory, sweep, growth, writers, cluster })
/** @typedef {{ name: string, title: string, head: string[], rows: string[][], commit: string, date: string }} Table */
const names = positionals.length > 0 ? positionals : Object.keys(runs)
const unknown = names.find((name) => !(name in runs))
if (unknown !== undefined) throw new Error(`no run ${unknown}; there are ${Object.keys(runs).join(', ')}`)

const directory = fileURLToPath(new URL('../results/', import.meta.url))
const file = `${directory}${values.name ?? resultName(new Date())}-scale`
await mkdir(directory, { recursive: true })
for (const name of names) {
  const loadBefore = loadavg()
  const table = await runs[name]?.(options)
  if (table === undefined) continue
  const facts = about(measuredCheckout, { rounds: 1, seconds: options.seconds }, loadBefore)
  console.log(`${markdownTable(table)}\n`)
  if (!values['no-write']) await keep({ name, ...table, commit: facts.commit, date: facts.date }, facts)
}
process.exit()

/** Puts the table in place of an earlier one of its kind. What other runs have measured stays. @param {Table} table @param {ReturnType<typeof about>} facts */
async function keep (table, facts) {
  const earlier = await readFile(`${file}.json`, 'utf8').then((text) => /** @type {Table[]} */ (JSON.parse(text).tables), () => [])
  const tables = Object.keys(runs).flatMap((name) => name === table.name ? [table] : earlier.filter((one) => one.name === name))
  await writeFile(`${file}.json`, JSON.stringify({ about: facts, options, tables }, null, 2) + '\n')
  const parts = tables.map((one) => `${markdownTable(one)}\n\nCommit ${one.commit}, ${one.date}.`)
  await writeFile(`${file}.md`, `# Scale\n\nNode ${facts.node} · ${facts.machine}\n\n${parts.join('\n\n')}\n`)
}

/** @param {{ title: string, head: string[], rows: string[][] }} table */
function markdownTable ({ title, head, rows }) {
  const line = (/** @type {string[]} */ cells) => `| ${head.map((_, i) => cells[i] ?? '').join(' | ')} |`
  return [`## ${title}`, '', line(head), line(head.map((_, i) => i === 0 ? '---' : '--:')), ...rows.map(line)].join('\n')
}
