import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { chooseCases } from './src/cases.mjs'
import { owners } from './src/owners.mjs'
import { profile } from './src/profile.mjs'
import { resultName } from './src/processor.mjs'
import { startRedis } from './src/redis.mjs'
import { about, titleOf } from './src/report.mjs'
import { chooseSubjects, measuredCheckout } from './src/subjects/index.mjs'

// `npm run bench:profiles` writes whose code takes the time, for ours beside the floor and the yardstick, in every case that reads or writes.
const measured = { warmUp: 1, seconds: 2 }
const cases = chooseCases(['R', 'W', 'R-cold', 'W-cold', 'N'])
const subjects = chooseSubjects(['floor', 'yardstick', 'ours']).filter(({ backend, stateless, only }) => backend !== 'none' && !stateless && only === undefined)
const BIGGEST = 5

const loadBefore = loadavg()
const redis = await startRedis()
const parts = []
for (const asked of cases) {
  const rows = []
  /** @type {string[]} */
  const biggest = []
  for (const subject of subjects) {
    if (subject.backend === 'redis' && !('url' in redis)) continue
    const { micros, functions, owned } = await profile(subject, asked, { ...measured, redisUrl: 'url' in redis ? redis.url : undefined })
    rows.push([titleOf(subject), micros.toFixed(1), ...owners.map((owner) => (micros * (owned[owner] ?? 0)).toFixed(1))])
    if (subject.group !== 'ours') continue
    const own = functions.filter(({ where }) => / dist\/lib\//.test(where)).slice(0, BIGGEST)
    biggest.push(`- ${subject.title}: ${own.map(({ where, share }) => `\`${where.split(' ')[0]}\` ${(micros * share).toFixed(1)}`).join(', ')}`)
  }
  parts.push(`## ${asked.id}: ${asked.title}`, table(rows), `The biggest functions of ours, in microseconds:\n\n${biggest.join('\n')}`)
  console.log(parts.slice(-3).join('\n\n') + '\n')
}
if ('stop' in redis) await redis.stop()

const facts = about(measuredCheckout, { rounds: 1, seconds: measured.seconds }, loadBefore)
const file = fileURLToPath(new URL(`results/${resultName(new Date())}-profiles.md`, import.meta.url))
const head = `# Whose code takes the time\n\n${facts.date} · commit ${facts.commit} · Node ${facts.node} · ${facts.machine}\n\nMicroseconds of CPU per request under the profiler, in a closed loop. *Session*: the code of the row itself, its cache included. *Driver*: ioredis or node-redis. *Rest*: V8 and native code but sockets.`
await writeFile(file, `${[head, ...parts].join('\n\n')}\n`)
process.exit()

/** @param {readonly (readonly string[])[]} rows */
function table (rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(['', 'in all', ...owners]), line(['---', ...owners.map(() => '--:'), '--:']), ...rows.map(line)].join('\n')
}
