import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { Test } from 'tap'
import { SECRET } from './app.js'
import { blocksOf } from './documents.js'

const PAGE = 'docs/where-it-runs.md'

/** Writes the programs of the page. Each names its file in its first line. */
export function writePrograms (folder: string): string[] {
  const programs = blocksOf(PAGE).filter(({ language }) => language === 'ts')
  return programs.map(({ code }) => {
    const [, name = ''] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? []
    writeFileSync(join(folder, name), code)
    return name
  })
}

/** The commands of the page that begin so, line by line. */
export function commands (beginning: string): string[] {
  const [block] = blocksOf(PAGE).filter(({ language, code }) => language === 'sh' && code.startsWith(beginning))
  return block?.code.trimEnd().split('\n') ?? []
}

/** Puts the runtimes that npm has installed for this machine into a folder of programs. Says which there are. */
export function linkRuntimes (folder: string): { readonly bun: boolean, readonly deno: boolean } {
  mkdirSync(join(folder, 'programs'))
  const link = (name: string, scope: string, path: string) => {
    const [found] = readdirSync(join(folder, 'node_modules', scope))
    if (found !== undefined) symlinkSync(join(folder, 'node_modules', scope, found, path), join(folder, 'programs', name))
    return found !== undefined
  }
  return { bun: link('bun', '@oven', 'bin/bun'), deno: link('deno', '@deno', 'deno') }
}

/** The environment of a program in `folder`, without what tap and the coverage add to those that they start. */
export function environment (folder: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, NODE_V8_COVERAGE, PATH = '', ...others } = process.env
  const programs = [dirname(process.execPath), join(folder, 'programs'), join(folder, 'node_modules/.bin'), PATH].join(delimiter)
  return { ...others, PATH: programs, DENO_DIR: join(folder, 'deno'), DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1', SESSION_SECRET: SECRET, PORT: '0', ...more }
}

export interface Started {
  readonly address: string
  /** Resolves as soon as it has said something like this. */
  says (pattern: RegExp): Promise<string>
  signal (signal: NodeJS.Signals): void
}

/** Starts a program that prints its address. It ends with the test. */
export async function start (t: Pick<Test, 'teardown'>, command: string, folder: string, more?: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env: environment(folder, more), stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => end(child))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => { said += text })
  const says = (pattern: RegExp) => new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = pattern.exec(said)?.[0]
      if (found !== undefined) resolve(found)
    }
    for (const stream of [child.stdout, child.stderr]) stream.on('data', look)
    child.once('close', (code) => reject(new Error(`${command} ended with ${code}\n${said}`)))
    look()
  })
  return { address: await says(/^http:\/\/\S+$/m), says, signal: (signal) => { child.kill(signal) } }
}

async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** A browser that asks these servers in turn, as if one address led to all of them. */
export class Visitor {
  cookie = ''
  readonly #addresses: readonly string[]
  #asked = 0

  constructor (...addresses: readonly string[]) {
    this.#addresses = addresses
  }

  async get (path: string): Promise<{ status: number, body: unknown }> {
    return await this.#ask('GET', path, {})
  }

  /** A body, even where nobody needs one: tRPC takes no request without a media type. */
  async post (path: string, headers: Record<string, string> = {}): Promise<{ status: number, body: unknown }> {
    return await this.#ask('POST', path, { 'content-type': 'application/json', ...headers }, '{}')
  }

  async #ask (method: string, path: string, headers: Record<string, string>, body?: string) {
    const address = this.#addresses[this.#asked++ % this.#addresses.length] as string
    const response = await fetch(address + path, { method, headers: { ...headers, cookie: this.cookie }, ...body !== undefined && { body } })
    for (const line of response.headers.getSetCookie()) this.cookie = /; Max-Age=0/.test(line) ? '' : line.split(';', 1).join()
    return { status: response.status, body: parsed(await response.text()) }
  }
}

/** What a route answered, or a procedure of tRPC. */
function parsed (text: string): unknown {
  try {
    const body = JSON.parse(text) as { result?: { data?: unknown } }
    return body.result === undefined ? body : body.result.data
  } catch {
    return text
  }
}
