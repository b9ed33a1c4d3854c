import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { programOf, root } from './files.mjs'

const program = join(root, '.build/test/support/engines-missing.js')

/**
 * The suites that have no server here, each with the reason that it would give itself. One process asks every engine. In CI the
 * suites say it themselves, because there it is a failure.
 * @returns {import('./run.mjs').Result[]}
 */
export function skippedSuites (/** @type {string[]} */ files) {
  const engineOf = (/** @type {string} */ file) => programOf(file)[1] ?? ''
  const engines = new Set(files.map(engineOf).filter((engine) => engine !== ''))
  // One suite finds out as soon.
  if (process.env.CI || files.filter((file) => engineOf(file) !== '').length < 2) return []
  const { status, stdout } = spawnSync(process.execPath, [program, ...engines], { encoding: 'utf8' })
  // An engine that cannot even be asked fails in its suites, where it is seen.
  const reasons = /** @type {Record<string, string>} */ (status === 0 ? JSON.parse(stdout) : {})
  return files.flatMap((file) => {
    const reason = reasons[engineOf(file)]
    return reason === undefined ? [] : [{ file, passed: 0, failures: [], skips: [{ name: '', reason }], seconds: 0, stderr: '' }]
  })
}
