import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Report } from 'c8'
import { root } from './files.mjs'

const lib = pathToFileURL(join(root, '.build/lib/')).href
const kept = join(root, '.build/coverage')

/** Where V8 writes what the processes of a test file have covered. */
export function coverageOf (/** @type {string} */ file) {
  return join(kept, file.replaceAll('/', '-'))
}

/** Of what a test file has covered only `lib`: a hundredth of it. */
export function keepCoverage (/** @type {string} */ file) {
  const folder = coverageOf(file)
  const names = existsSync(folder) ? readdirSync(folder) : []
  for (const name of names) {
    const path = join(folder, name)
    const all = read(path)
    if (all === null) continue
    const result = all.result.filter(({ url }) => url.startsWith(lib))
    const maps = Object.fromEntries(Object.entries(all['source-map-cache'] ?? {}).filter(([url]) => url.startsWith(lib)))
    if (result.length > 0) writeFileSync(`${folder}-${name}`, JSON.stringify({ result, 'source-map-cache': maps }))
  }
  rmSync(folder, { recursive: true, force: true })
}

/** A process that was killed leaves half a file. @returns {{ result: { url: string }[], 'source-map-cache'?: object } | null} */
function read (/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

/** Names what is not covered. Whether that is allowed: not in CI. */
export async function reportCoverage () {
  const report = new Report({
    tempDirectory: kept,
    reportsDirectory: join(root, '.build/report'),
    reporter: ['text'],
    include: ['lib/**'],
    exclude: filesOfTypes(),
    excludeAfterRemap: true,
    excludeNodeModules: true,
    all: true,
    src: [join(root, 'lib')],
    extension: ['.ts'],
    skipFull: true,
    mergeAsync: true
  })
  await report.run()
  const summary = (await report.getCoverageMapFromAllCoverageFiles()).getCoverageSummary()
  const isFull = [summary.lines, summary.branches, summary.functions, summary.statements].every(({ covered, total }) => covered === total)
  if (isFull) console.log('All of lib is covered.')
  return isFull || !process.env.CI
}

/** What holds types only: nothing of it is ever loaded. */
function filesOfTypes () {
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const codeOf = (/** @type {string} */ file) => readFileSync(join(root, '.build/lib', file.replace(/\.ts$/, '.js')), 'utf8')
  return files.filter((file) => codeOf(file).replace(/^export \{\};?$|^\/\/# .*$/gm, '').trim() === '').map((file) => `lib/${file}`)
}
