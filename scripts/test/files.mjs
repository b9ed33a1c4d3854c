import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

const times = join(root, '.build/times.json')
/** Longest first, so that no long one is left alone at the end. Of those that no run has timed yet, by folder. */
const folders = ['package', 'stores/redis', 'races', 'stores', 'browser', 'shop', 'http', 'documents', 'unit']

/**
 * The program behind a test, and what it is told. A suite of the stores runs for each engine in a process of its own:
 * `test/stores/redis/http` is `test/suites/http.ts` for Redis.
 */
export function programOf (/** @type {string} */ file) {
  const [, engine, suite] = /^test\/stores\/([^/]+)\/([^/.]+)$/.exec(file) ?? []
  return engine === undefined ? [file] : [`test/suites/${suite}.ts`, engine]
}

/** What the command line asks for: paths of test files, or of folders of them, or parts of such paths. Without any: all. */
export function filesFor (/** @type {string[]} */ args) {
  const coverage = args.includes('--coverage')
  const within = args.includes('--in') ? args[args.indexOf('--in') + 1] ?? '' : 'test'
  const asked = args.filter((arg, at) => !arg.startsWith('--') && args[at - 1] !== '--in')
  const all = allFiles(within)
  if (asked.length === 0) return { files: all, coverage }
  return { files: all.filter((file) => asked.some((arg) => isMeant(file, within, arg))), coverage }
}

function isMeant (/** @type {string} */ file, /** @type {string} */ within, /** @type {string} */ arg) {
  const path = relative(root, join(root, arg))
  for (const exact of [path, `test/${path}`, `${within}/${path}`]) {
    if (existsSync(join(root, exact))) return programOf(file)[0] === exact || file === exact || file.startsWith(`${exact}/`)
  }
  return file.includes(arg)
}

function allFiles (/** @type {string} */ within) {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.startsWith('consumer')).map((name) => `test/${name}`)
  return [...files, ...suites()].filter((file) => file === within || file.startsWith(`${within}/`)).sort()
}

/** Every suite of every engine: a folder with an `engine.ts`. */
function suites () {
  const engines = readdirSync(join(root, 'test/stores')).filter((name) => existsSync(join(root, 'test/stores', name, 'engine.ts')))
  const names = readdirSync(join(root, 'test/suites')).map((file) => file.replace(/\.ts$/, ''))
  return engines.flatMap((engine) => names.map((name) => `test/stores/${engine}/${name}`))
}

/** Seconds that each file took when it ran last on this machine. */
export function knownTimes () {
  return existsSync(times) ? /** @type {Record<string, number>} */ (JSON.parse(readFileSync(times, 'utf8'))) : {}
}

export function rememberTimes (/** @type {{ file: string, seconds: number }[]} */ results) {
  mkdirSync(dirname(times), { recursive: true })
  const now = Object.fromEntries(results.map(({ file, seconds }) => [file, seconds]))
  writeFileSync(times, JSON.stringify({ ...knownTimes(), ...now }))
}

export function heavyFirst (/** @type {string[]} */ files) {
  const known = knownTimes()
  const place = (/** @type {string} */ file) => folders.findIndex((folder) => file.startsWith(`test/${folder}/`))
  return [...files].sort((one, other) => (known[other] ?? Infinity) - (known[one] ?? Infinity) || place(one) - place(other))
}
