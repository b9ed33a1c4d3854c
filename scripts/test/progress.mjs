import { knownTimes } from './files.mjs'

const isTerminal = process.stdout.isTTY === true
const colour = (/** @type {number} */ code, /** @type {string} */ text) => isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text
const SHOWN_OF_STDERR = 4000

/** Says what runs, what has failed as soon as it has, and at the end what was skipped and why. */
export class Progress {
  #files
  #known = knownTimes()
  #began = performance.now()
  /** @type {Set<string>} */
  #running = new Set()
  /** @type {import('./run.mjs').Result[]} */
  #results = []

  constructor (/** @type {string[]} */ files) {
    this.#files = files
  }

  started (/** @type {string} */ file) {
    this.#running.add(file)
    this.#status()
  }

  ended (/** @type {import('./run.mjs').Result} */ result) {
    this.#running.delete(result.file)
    this.#results.push(result)
    const { file, passed, failures, skips, seconds } = result
    const count = [`${passed} passed`, ...failures.length > 0 ? [colour(31, `${failures.length} FAILED`)] : [], ...skips.length > 0 ? [`${skips.length} skipped`] : []].join(', ')
    const at = `${String(this.#results.length).padStart(String(this.#files.length).length)}/${this.#files.length}`
    this.#write(`${at}  ${file}  ${count}  ${seconds.toFixed(1)} s${this.#results.length % 10 === 0 ? `  (${this.#times()})` : ''}`)
    if (failures.length > 0) this.#write(described(result, this.#files.length))
    this.#status()
  }

  /** Whether anything has failed. */
  summary () {
    this.#write('')
    this.#skipped()
    const bad = this.#results.filter(({ failures }) => failures.length > 0)
    if (bad.length > 0) this.#write(colour(31, 'Failed:'))
    for (const { file, failures } of bad) for (const { name } of failures) this.#write(`  ${file}: ${name}`)
    const sum = (/** @type {(result: import('./run.mjs').Result) => number} */ of) => this.#results.reduce((total, result) => total + of(result), 0)
    const [passed, failed, skipped] = [sum(({ passed }) => passed), sum(({ failures }) => failures.length), sum(({ skips }) => skips.length)]
    this.#write(`${this.#results.length} files in ${inWords((performance.now() - this.#began) / 1000)}: ${passed} checks passed, ${failed} failed, ${skipped} skipped`)
    return failed > 0
  }

  #skipped () {
    /** @type {Map<string, string[]>} */
    const byReason = new Map()
    for (const { file, skips } of this.#results) {
      for (const { name, reason } of skips) byReason.set(reason, [...byReason.get(reason) ?? [], name === '' ? file : `${file}: ${name}`])
    }
    if (byReason.size > 0) this.#write('Skipped:')
    for (const [reason, names] of byReason) this.#write(`  ${reason}\n${names.map((name) => `    ${name}`).join('\n')}`)
  }

  #write (/** @type {string} */ text) {
    process.stdout.write(`${isTerminal ? '\r\u001b[K' : ''}${text}\n`)
  }

  #status () {
    if (!isTerminal) return
    const line = `${this.#results.length}/${this.#files.length}  ${this.#times()}  now: ${[...this.#running].map((file) => file.replace(/^test\/|\.test\.ts$/g, '')).join(', ')}`
    process.stdout.write(`\r\u001b[K${line.slice(0, (process.stdout.columns || 80) - 1)}`)
  }

  /** Elapsed, and to go: by what the files took when they ran last, or by their number. */
  #times () {
    const elapsed = (performance.now() - this.#began) / 1000
    const done = new Set(this.#results.map(({ file }) => file))
    const usual = Object.values(this.#known)
    const average = usual.length === 0 ? 1 : usual.reduce((sum, seconds) => sum + seconds, 0) / usual.length
    const weigh = (/** @type {string[]} */ files) => files.reduce((sum, file) => sum + (this.#known[file] ?? average), 0)
    const behind = weigh([...done])
    if (behind === 0) return inWords(elapsed)
    return `${inWords(elapsed)} so far, about ${inWords(elapsed / behind * weigh(this.#files.filter((file) => !done.has(file))))} to go`
  }
}

function described (/** @type {import('./run.mjs').Result} */ { failures, stderr }, /** @type {number} */ of) {
  const lines = failures.flatMap(({ name, lines }) => [colour(31, `    ✗ ${name}`), ...lines.map((line) => `        ${line}`)])
  const said = of === 1 ? stderr : stderr.slice(0, SHOWN_OF_STDERR)
  return [...lines, ...said.trim() === '' ? [] : ['    and said:', ...said.trimEnd().split('\n').map((line) => `        ${line}`)]].join('\n')
}

function inWords (/** @type {number} */ seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
