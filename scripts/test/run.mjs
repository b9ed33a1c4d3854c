import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { coverageOf, keepCoverage } from './coverage.mjs'
import { programOf, root } from './files.mjs'
import { runsOf } from './runs.mjs'
import { makeScratch } from './scratch.mjs'
import { readTap } from './tap.mjs'

/**
 * @typedef {import('./tap.mjs').Tally & { file: string, seconds: number, stderr: string }} Result
 * @typedef {{ coverage: boolean, started: (file: string) => void, ended: (result: Result) => void }} Listener
 */

const host = join(root, 'scripts/test/host.mjs')
/** One more than there are processors: most tests wait for a server now and then. */
const JOBS = Number(process.env.TEST_JOBS) || availableParallelism() + 1
/** For a test that hangs. The slowest takes four minutes on two quiet cores, and ten where others use them. */
const LIMIT_SECONDS = 3600
/** Two warnings that tests provoke on purpose, and the processes that they start inherit. */
const NODE_OPTIONS = ['--enable-source-maps', '--disable-warning=ExperimentalWarning', '--disable-warning=FST_TYPED_SESSION_CHANGED_TOO_LATE']

export async function runAll (/** @type {string[]} */ files, /** @type {Listener} */ how) {
  if (how.coverage) rmSync(coverageOf(''), { recursive: true, force: true })
  const scratch = makeScratch()
  const todo = runsOf(files)
  /** @type {Result[]} */
  const results = []
  const ended = (/** @type {Result} */ result) => {
    results.push(result)
    how.ended(result)
  }
  const work = async () => {
    for (let run = todo.shift(); run !== undefined; run = todo.shift()) {
      const left = await start(run, { ...how, ended }, scratch)
      if (left.length > 0) todo.unshift(left)
    }
  }
  await Promise.all(Array.from({ length: JOBS }, work))
  return results
}

/** Says what came of each file, and returns those that a process has not come to. */
async function start (/** @type {string[]} */ files, /** @type {Listener} */ { coverage, started, ended }, /** @type {string} */ scratch) {
  const [first = ''] = files
  const programs = files.map((file) => join(root, '.build', (programOf(file)[0] ?? '').replace(/\.ts$/, '.js')))
  const args = programOf(first).slice(1)
  const env = { ...process.env, TEST_RUN: JSON.stringify({ programs, args }), TMPDIR: scratch, TAP: '1', TAP_TIMEOUT: String(LIMIT_SECONDS), ...coverage ? { NODE_V8_COVERAGE: coverageOf(first) } : {} }
  if (coverage) mkdirSync(coverageOf(first), { recursive: true })
  const child = spawn(process.execPath, [...NODE_OPTIONS, host], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const impatience = setTimeout(() => child.kill('SIGKILL'), (LIMIT_SECONDS + 30) * 1000)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => { stderr += text })
  const left = [...files]
  let began = performance.now()
  let hasFailed = false
  const next = (/** @type {import('./tap.mjs').Tally} */ tally, /** @type {number | string} */ code) => {
    // A process also ends with 1 for what an earlier file has said.
    const outcome = judged(tally, code === 1 && hasFailed && left.length === 1 ? 0 : code)
    ended({ file: left.shift() ?? '', ...outcome, seconds: (performance.now() - began) / 1000, stderr })
    hasFailed ||= outcome.failures.length > 0
    began = performance.now()
    stderr = ''
    if (left[0] !== undefined) started(left[0])
  }
  started(first)
  const [rest, code] = await Promise.all([
    readTap(child.stdout, (tally) => next(tally, 0)),
    new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  ])
  clearTimeout(impatience)
  if (coverage) keepCoverage(first)
  next(rest, code)
  return left
}

/** @returns {import('./tap.mjs').Tally} */
function judged (/** @type {import('./tap.mjs').Tally} */ { passed, failures, skips }, /** @type {number | string} */ code) {
  // A program that ends before its first test says that it has none.
  const meant = code === 0 ? skips : skips.filter(({ reason }) => reason !== 'no tests found')
  const unsaid = code !== 0 && failures.length === 0
    ? [`the process ended with ${code}`]
    : passed + failures.length + meant.length === 0 ? ['the file has no test'] : []
  return { passed, skips: meant, failures: [...failures, ...unsaid.map((name) => ({ name, lines: [] }))] }
}
