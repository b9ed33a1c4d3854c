import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { campaign } from './src/campaign.mjs'
import { chart, overview } from './src/chart.mjs'
import { markdown } from './src/markdown.mjs'
import { parseOptions } from './src/options.mjs'
import { reckonMinutes } from './src/reckoning.mjs'
import { startRedis } from './src/redis.mjs'
import { about, rowsOf } from './src/report.mjs'
import { measuredCheckout } from './src/subjects/index.mjs'

const options = parseOptions(process.argv.slice(2))
process.stderr.write(`${options.name}: about ${Math.ceil(reckonMinutes(options))} min by reckoning\n`)
const loadBefore = loadavg()
const redis = options.subjects.some((s) => s.backend === 'redis') ? await startRedis() : { unavailable: 'not asked for' }
const entrants = options.subjects.map((subject) => ({ id: subject.id, subject, root: measuredCheckout }))

const verdicts = await campaign(entrants, { ...options, redis, referenceRoot: measuredCheckout })
if ('stop' in redis) await redis.stop()

const report = { about: about(measuredCheckout, options, loadBefore), rows: rowsOf(entrants, verdicts) }
const text = markdown(report)
process.stdout.write(text)
if (options.write) {
  const directory = fileURLToPath(new URL('results/', import.meta.url))
  await mkdir(directory, { recursive: true })
  await writeFile(`${directory}${options.name}.json`, JSON.stringify(report, null, 2) + '\n')
  await writeFile(`${directory}${options.name}.md`, text)
  if (options.ways.some(({ id }) => id === 'closed')) {
    await writeFile(`${directory}${options.name}.svg`, chart(report))
    await writeFile(`${directory}${options.name}-overview.svg`, overview(report))
  }
}
// Idle sockets of the checks would keep us a while.
process.exit()
