import { mkdir, writeFile } from 'node:fs/promises'
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
const names = positionals.length > 0 ? positionals : Object.keys(runs)
const unknown = names.find((name) => !(name in runs))
if (unknown !== undefined) throw new Error(`no run ${unknown}; there are ${Object.keys(runs).join(', ')}`)

const loadBefore = loadavg()
const tables = []
for (const name of names) {
  const table = await runs[name]?.(options)
  if (table === undefined) continue
  tables.push({ name, ...table })
  console.log(`${markdownTable(table)}\n`)
}

if (!values['no-write']) {
  const directory = fileURLToPath(new URL('../results/', import.meta.url))
  await mkdir(directory, { recursive: true })
  const facts = about(measuredCheckout, { rounds: 1, seconds: options.seconds }, loadBefore)
  const file = `${directory}${values.name ?? resultName(new Date())}-scale`
  await writeFile(`${file}.json`, JSON.stringify({ about: facts, options, tables }, null, 2) + '\n')
  await writeFile(`${file}.md`, `# Scale\n\n${facts.date} · commit ${facts.commit} · Node ${facts.node} · ${facts.machine}\n\n${tables.map(markdownTable).join('\n\n')}\n`)
}
process.exit()

/** @param {{ title: string, head: string[], rows: string[][] }} table */
function markdownTable ({ title, head, rows }) {
  const line = (/** @type {string[]} */ cells) => `| ${head.map((_, i) => cells[i] ?? '').join(' | ')} |`
  return [`## ${title}`, '', line(head), line(head.map((_, i) => i === 0 ? '---' : '--:')), ...rows.map(line)].join('\n')
}
