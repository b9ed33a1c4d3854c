import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Parser } from 'tap-parser'
import { coverageOf, keepCoverage } from './coverage.mjs'
import { programOf, root } from './files.mjs'
import { makeScratch } from './scratch.mjs'

/**
 * @typedef {{ name: string, lines: string[] }} Failure
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ file: string, passed: number, failures: Failure[], skips: Skip[], seconds: number, stderr: string }} Result
 */

/** One more than there are processors: most tests wait for a server now and then. */
const JOBS = Number(process.env.TEST_JOBS) || availableParallelism() + 1
/** For a test that hangs. The slowest takes four minutes on two quiet cores, and ten where others use them. */
const LIMIT_SECONDS = 3600
/** Two warnings that tests provoke on purpose, and the processes that they start inherit. */
const NODE_OPTIONS = ['--enable-source-maps', '--disable-warning=ExperimentalWarning', '--disable-warning=FST_TYPED_SESSION_CHANGED_TOO_LATE']

/**
 * @param {string[]} files
 * @param {{ coverage: boolean, started: (file: string) => void, ended: (result: Result) => void }} how
 */
export async function runAll (files, { coverage, started, ended }) {
  if (coverage) rmSync(coverageOf(''), { recursive: true, force: true })
  const scratch = makeScratch()
  const todo = [...files]
  /** @type {Result[]} */
  const results = []
  const work = async () => {
    for (let file = todo.shift(); file !== undefined; file = todo.shift()) {
      started(file)
      const result = await run(file, coverage, scratch)
      results.push(result)
      ended(result)
    }
  }
  await Promise.all(Array.from({ length: JOBS }, work))
  return results
}

/** @returns {Promise<Result>} */
async function run (/** @type {string} */ file, /** @type {boolean} */ coverage, /** @type {string} */ scratch) {
  const began = performance.now()
  const env = { ...process.env, TMPDIR: scratch, TAP: '1', TAP_TIMEOUT: String(LIMIT_SECONDS) }
  if (coverage) {
    env.NODE_V8_COVERAGE = coverageOf(file)
    mkdirSync(coverageOf(file), { recursive: true })
  }
  const [program = '', ...args] = programOf(file)
  const child = spawn(process.execPath, [...NODE_OPTIONS, join(root, '.build', program.replace(/\.ts$/, '.js')), ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const impatience = setTimeout(() => child.kill('SIGKILL'), (LIMIT_SECONDS + 30) * 1000)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => { stderr += text })
  const [{ passed, failures, skips }, code] = await Promise.all([
    readTap(child.stdout),
    new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  ])
  clearTimeout(impatience)
  // A program that ends before its first test says that it has none.
  if (code !== 0) skips.splice(0, Infinity, ...skips.filter(({ reason }) => reason !== 'no tests found'))
  if (code !== 0 && failures.length === 0) failures.push({ name: `the process ended with ${code}`, lines: [] })
  if (passed + failures.length + skips.length === 0) failures.push({ name: 'the file has no test', lines: [] })
  if (coverage) keepCoverage(file)
  return { file, passed, failures, skips, seconds: (performance.now() - began) / 1000, stderr }
}

/**
 * @param {import('node:stream').Readable} output
 * @returns {Promise<Pick<Result, 'passed' | 'failures' | 'skips'>>}
 */
function readTap (output) {
  /** @type {Failure[]} */
  const failures = []
  /** @type {Skip[]} */
  const skips = []
  let passed = 0
  const listen = (/** @type {Parser} */ parser) => {
    parser.on('child', listen)
    parser.on('assert', (/** @type {import('tap-parser').Result} */ result) => {
      if (result.skip || result.todo) skips.push({ name: result.fullname, reason: String(result.skip || result.todo) })
      else if (result.ok) passed += result.closingTestPoint ? 0 : 1
      else if (!result.closingTestPoint) failures.push({ name: result.fullname, lines: linesOf(result.diag) })
    })
  }
  const parser = new Parser()
  listen(parser)
  return new Promise((resolve) => {
    parser.on('complete', ({ plan, failures: errors, bailout }) => {
      if (plan.skipAll) skips.push({ name: '', reason: plan.skipReason })
      if (bailout !== false) failures.push({ name: `gave up: ${bailout}`, lines: [] })
      const unsaid = errors.filter((/** @type {{ tapError?: string }} */ error) => error.tapError)
      if (failures.length === 0) for (const { tapError } of unsaid) failures.push({ name: String(tapError), lines: [] })
      resolve({ passed, failures, skips })
    })
    output.pipe(/** @type {any} */ (parser))
  })
}

/** What a person wants to see of a failure: where, the difference, and the way there. */
function linesOf (/** @type {any} */ diag) {
  if (!diag) return []
  const { at, diff, stack, source, ...others } = diag
  const place = at ? [`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`] : []
  const rest = diff ? [] : Object.entries(others).filter(([name]) => name !== 'compare').map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [...place, ...rest, ...[diff, source, stack].filter(Boolean).flatMap((text) => String(text).trimEnd().split('\n'))]
}
