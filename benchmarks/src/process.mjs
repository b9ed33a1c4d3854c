import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const subjectProgram = fileURLToPath(new URL('./server.mjs', import.meta.url))
const START_TIMEOUT = 20_000

/** The subject cannot run here; the message says why. */
export class Unavailable extends Error {}

/**
 * @typedef {object} Running
 * @property {string} url
 * @property {(message: string) => Promise<any>} ask send a word over IPC, get the answer
 * @property {() => Promise<void>} start begin counting
 * @property {() => Promise<{ cpuMicros: number, requests: number, rss: number }>} stop
 * @property {() => Promise<void>} end
 */

/**
 * Start a subject in a process of its own.
 *
 * @param {string} id
 * @param {{ redisUrl?: string | undefined, root: string, env?: NodeJS.ProcessEnv, execArgv?: string[] }} context
 */
export function run (id, { redisUrl, root, env, execArgv }) {
  return runProgram(subjectProgram, [id], {
    env: { NODE_ENV: 'production', BENCH_ROOT: root, ...(redisUrl !== undefined && { BENCH_REDIS_URL: redisUrl }), ...env },
    ...(execArgv && { execArgv })
  })
}

/**
 * Start a program that says `ready` with its port, or `unavailable` with the reason.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, execArgv?: string[], startTimeout?: number }} [options]
 * @returns {Promise<Running>}
 */
export async function runProgram (program, args, { env, execArgv = [], startTimeout = START_TIMEOUT } = {}) {
  const child = fork(program, args, { env: { ...process.env, ...env }, execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let complaints = ''
  child.stderr?.on('data', (chunk) => { complaints = (complaints + chunk).slice(-2000) })
  const ended = once(child, 'exit').then(() => { throw new Error(`${args.join(' ')} ended: ${complaints}`) })
  ended.catch(() => {})
  const ask = async (/** @type {string | undefined} */ message) => {
    const answer = Promise.race([once(child, 'message'), ended])
    if (message !== undefined) child.send(message)
    return (await answer)[0]
  }
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeout)
  const first = await ask(undefined).finally(() => clearTimeout(timer))
  if (first.type !== 'ready') {
    await end()
    throw new Unavailable(first.reason)
  }
  return { url: `http://127.0.0.1:${first.port}`, ask, start: async () => { await ask('start') }, stop: () => ask('stop'), end }
}
