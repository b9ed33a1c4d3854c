import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './files.mjs'

const tsc = join(root, 'node_modules/ts7/bin/tsc')
const built = join(root, '.build')
/** What an earlier compilation knew, so that the next one writes what has changed since. */
const known = join(built, 'tsconfig.tsbuildinfo')

/**
 * JavaScript of `lib`, `types`, `test` and the examples in `.build`, with source maps. Types are not checked here: the
 * type check is a command of its own.
 */
export function compile () {
  if (!existsSync(known)) rmSync(built, { recursive: true, force: true })
  const options = ['--noCheck', '--noEmit', 'false', '--outDir', built, '--sourceMap', '--incremental', '--tsBuildInfoFile', known]
  const { status } = spawnSync(process.execPath, [tsc, '-p', root, ...options], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  for (const folder of ['views', 'public']) cpSync(join(root, 'examples/shop', folder), join(built, 'examples/shop', folder), { recursive: true })
}
