import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { campaign, statisticsOf } from './src/campaign.mjs'
import { parseOptions } from './src/options.mjs'
import { startRedis } from './src/redis.mjs'
import { median } from './src/statistics.mjs'
import { thisCheckout } from './src/subjects/index.mjs'

// The working tree against another commit (`--base`, default main), both built here, both in the same rounds.
const options = parseOptions(process.argv.slice(2), { rounds: 5, seconds: 1, subjects: ['ours-cookie', 'ours-memory', 'ours-redis'], cases: ['U', 'R', 'W', 'R-cold', 'W-cold', 'N'], ways: ['closed'] })
const directory = await mkdtemp(join(tmpdir(), 'bench-base-'))
const sources = join(directory, 'sources')
const base = join(directory, 'base')
const now = join(directory, 'now')

/** Neither build touches the `dist` of the checkout. @param {string} from @param {string} to */
function build (from, to) {
  mkdirSync(to)
  symlinkSync(join(thisCheckout, 'node_modules'), join(to, 'node_modules'))
  copyFileSync(join(from, 'package.json'), join(to, 'package.json'))
  const bundler = join(from, 'scripts/bundle.mjs')
  const compiler = [join(thisCheckout, 'node_modules/ts7/bin/tsc'), '-p', join(from, 'tsconfig.build.json'), '--outDir']
  execFileSync(process.execPath, [...existsSync(bundler) ? [bundler] : compiler, join(to, 'dist')], { stdio: 'inherit' })
}

/** @param {string[]} args */
const git = (...args) => execFileSync('git', ['-C', thisCheckout, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })

try {
  git('worktree', 'add', '--detach', sources, options.base)
  symlinkSync(join(thisCheckout, 'node_modules'), join(sources, 'node_modules'))
  build(sources, base)
  build(thisCheckout, now)
  await compare()
} finally {
  try { git('worktree', 'remove', '--force', sources) } catch {}
  await rm(directory, { recursive: true, force: true })
}
process.exit()

async function compare () {
  const redis = options.subjects.some((s) => s.backend === 'redis') ? await startRedis() : { unavailable: 'not asked for' }
  const entrants = options.subjects.flatMap((subject) => [
    { id: `${options.base}:${subject.id}`, subject, root: base },
    { id: `working tree:${subject.id}`, subject, root: now }
  ])
  const verdicts = await campaign(entrants, { ...options, redis, referenceRoot: thisCheckout })
  if ('stop' in redis) await redis.stop()
  for (const { id } of options.subjects) print(id, verdicts.get(`${options.base}:${id}`), verdicts.get(`working tree:${id}`))
}

/** @param {string} id @param {import('./src/campaign.mjs').Verdict | undefined} then @param {import('./src/campaign.mjs').Verdict | undefined} latest */
function print (id, then, latest) {
  const reason = then?.unavailable ?? latest?.unavailable
  console.log(`\n${id}${reason === undefined ? '' : `: not measured, ${reason}`}`)
  for (const { id: way } of options.ways) {
    for (const [name, rounds] of Object.entries(latest?.rounds[way] ?? {})) {
      const before = then?.rounds[way][name]
      if (before === undefined) continue
      const change = median(rounds.map((round, i) => round.ratio / (before[i]?.ratio ?? NaN)))
      console.log(`  ${way} ${name.padEnd(7)} ${options.base} ${ratioText(before)}   working tree ${ratioText(rounds)}   ${change >= 1 ? '+' : ''}${((change - 1) * 100).toFixed(0)} %`)
    }
  }
}

/** @param {import('./src/campaign.mjs').Round[]} rounds */
function ratioText (rounds) {
  const { ratio } = statisticsOf(rounds)
  return `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`
}
