import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Address } from './engine.js'

export interface RaceTask {
  readonly address: Address
  /** Each process adds one to the record under this id, so many times. */
  readonly counter: string
  readonly increments: number
  /** Each process tries to create every one of these. */
  readonly ids: string[]
}

export interface RaceResult {
  readonly created: number
  /** When it wrote for the first and for the last time. */
  readonly began: number
  readonly ended: number
}

/** Whether there was a moment at which both were writing. */
export const met = ([one, other]: RaceResult[]) =>
  one !== undefined && other !== undefined && one.began < other.ended && other.began < one.ended

const worker = fileURLToPath(new URL('./race-worker.js', import.meta.url))

/** Two processes do `task` against one store, begun at the same moment; neither ends before both have. Each tells what it got. */
export async function race (t: Test, task: RaceTask): Promise<RaceResult[]> {
  const runners = [start(t, task), start(t, task)]
  for (const word of ['ready', 'begun']) {
    await Promise.all(runners.map(({ said }) => said(word)))
    for (const { child } of runners) child.stdin.write('go on\n')
  }
  return await Promise.all(runners.map(({ result }) => result()))
}

function start (t: Test, task: RaceTask) {
  const child = spawn(process.execPath, [...process.execArgv, worker, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGKILL') })
  let output = ''
  child.stdout.on('data', data => { output += data })
  const closed = once(child, 'close')
  return {
    child,
    async said (word: string) {
      while (!output.includes(`${word}\n`) && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), closed])
    },
    async result (): Promise<RaceResult> {
      const [code] = await closed
      if (code !== 0) throw new Error(`a racing process ended with ${code}: ${output}`)
      return JSON.parse(output.split('\n')[2] as string)
    }
  }
}
