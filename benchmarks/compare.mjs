import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { campaign, statisticsOf } from './src/campaign.mjs'
import { parseOptions } from './src/options.mjs'
import { startRedis } from './src/redis.mjs'
import { median } from './src/statistics.mjs'
import { thisCheckout } from './src/subjects/index.mjs'

// The working tree against another commit (`--base`, default main), both built here, both in the same rounds.
const options = parseOptions(process.argv.slice(2), { rounds: 5, seconds: 1, subjects: ['ours-cookie', 'ours-memory', 'ours-redis'], cases: ['U', 'R', 'W', 'R-cold', 'W-cold', 'N'] })
const directory = await mkdtemp(join(tmpdir(), 'bench-base-'))
const base = join(directory, 'tree')
const tsc = join(thisCheckout, 'node_modules/typescript/bin/tsc')
/** @param {string} root */
const build = (root) => execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
/** @param {string[]} args */
const git = (...args) => execFileSync('git', ['-C', thisCheckout, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })

try {
  git('worktree', 'add', '--detach', base, options.base)
  symlinkSync(join(thisCheckout, 'node_modules'), join(base, 'node_modules'))
  build(base)
  build(thisCheckout)
  await compare()
} finally {
  try { git('worktree', 'remove', '--force', base) } catch {}
  await rm(directory, { recursive: true, force: true })
}
process.exit()

async function compare () {
  const redis = options.subjects.some((s) => s.backend === 'redis') ? await startRedis() : { unavailable: 'not asked for' }
  const entrants = options.subjects.flatMap((subject) => [
    { id: `${options.base}:${subject.id}`, subject, root: `${base}/` },
    { id: `working tree:${subject.id}`, subject, root: thisCheckout }
  ])
  const verdicts = await campaign(entrants, { ...options, redis, referenceRoot: thisCheckout })
  if ('stop' in redis) await redis.stop()
  for (const { id } of options.subjects) print(id, verdicts.get(`${options.base}:${id}`), verdicts.get(`working tree:${id}`))
}

/** @param {string} id @param {import('./src/campaign.mjs').Verdict | undefined} then @param {import('./src/campaign.mjs').Verdict | undefined} now */
function print (id, then, now) {
  const reason = then?.unavailable ?? now?.unavailable
  console.log(`\n${id}${reason === undefined ? '' : `: not measured, ${reason}`}`)
  for (const [name, rounds] of Object.entries(now?.rounds ?? {})) {
    const before = then?.rounds[name]
    if (before === undefined) continue
    const change = median(rounds.map((round, i) => round.ratio / (before[i]?.ratio ?? NaN)))
    const text = (/** @type {import('./src/campaign.mjs').Round[]} */ taken) => { const { ratio } = statisticsOf(taken); return `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})` }
    console.log(`  ${name.padEnd(7)} ${options.base} ${text(before)}   working tree ${text(rounds)}   ${change >= 1 ? '+' : ''}${((change - 1) * 100).toFixed(0)} %`)
  }
}
