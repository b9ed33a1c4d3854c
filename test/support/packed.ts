import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { root } from './root.js'

const QUIETLY = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error']

export interface Ran { readonly status: number, readonly output: string }

/** Runs a program to its end, whatever its exit code. (tap hooks into the Node programs it sees started: `env -u` keeps it out.) */
export function run (command: string, args: readonly string[], cwd = root): Promise<Ran> {
  return new Promise((resolve) => {
    execFile('env', ['-u', 'NODE_OPTIONS', command, ...args], { cwd, maxBuffer: 1 << 25 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1) || 1, output: stdout + stderr })
    })
  })
}

async function must (command: string, args: readonly string[], cwd?: string): Promise<string> {
  const { status, output } = await run(command, args, cwd)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${output}`)
  return output
}

export interface Packed {
  readonly tarball: string
  /** The paths in the package. */
  readonly files: readonly string[]
  /**
   * An empty folder in which the package is installed, with copies of test/consumer in it. Other packages are of the version
   * that is installed here, unless they say another.
   */
  install (...peers: readonly string[]): Promise<string>
  /** A copy of a folder with a lock file. The package and all that the lock file names are installed in it. */
  installCopy (source: string): Promise<string>
  remove (): Promise<void>
}

/** What `npm publish` would send. `dist` has to be built already. */
export async function pack (): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'))
  const printed = await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, '--loglevel', 'error'])
  const [entry] = JSON.parse(printed.slice(printed.indexOf('['))) as [{ filename: string, files: { path: string }[] }]
  const tarball = resolve(folder, entry.filename)
  return {
    tarball,
    files: entry.files.map(({ path }) => path),
    async install (...peers) {
      const consumer = await mkdtemp(join(folder, 'consumer-'))
      await cp(join(root, 'test/consumer'), consumer, { recursive: true })
      await writeFile(join(consumer, 'package.json'), '{ "type": "module", "private": true }')
      const wanted = await Promise.all(peers.map(async (name) => /.@/.test(name) ? name : `${name}@${await installedVersion(name)}`))
      await must('npm', ['install', ...QUIETLY, tarball, ...wanted], consumer)
      return consumer
    },
    async installCopy (source) {
      const copy = join(folder, basename(source))
      await cp(join(root, source), copy, { recursive: true })
      await must('npm', ['ci', ...QUIETLY], copy)
      await must('npm', ['install', '--no-save', ...QUIETLY, tarball], copy)
      return copy
    },
    remove: () => rm(folder, { recursive: true, force: true })
  }
}

async function installedVersion (name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }
  return version
}
