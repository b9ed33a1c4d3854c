import type { FastifyInstance } from 'fastify'

/** A longer timer would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1
/** Milliseconds that `app.close()` waits for a sweep under way. */
const PATIENCE = 5_000

/**
 * Sweeps every `every` milliseconds or up to half as much longer, so that processes that started together do not sweep
 * together. A sweep that takes longer than `every` is reported, and not waited for any more: it may never end. Each sweep that has
 * not ended doubles the time until the next, so a slow server does not get ever more of them. Never keeps the process alive;
 * `app.close()` waits for the last sweep, but not for ever.
 */
export function startSweeper (app: FastifyInstance, sweep: () => Promise<unknown>, every: number): void {
  let timer: NodeJS.Timeout
  let closed = false
  let running: Promise<unknown> = Promise.resolve()
  let unfinished = 0
  const schedule = () => {
    if (closed) return
    timer = setTimeout(run, Math.min(every * 2 ** unfinished * (1 + Math.random() / 2), LONGEST_TIMER))
    timer.unref()
  }
  const run = () => {
    const sweeping = sweep()
    unfinished++
    running = sweeping.catch(() => {}).finally(() => { unfinished-- })
    inTime(sweeping, Math.min(every, LONGEST_TIMER))
      .catch((error: unknown) => app.log.error({ err: error }, 'session store could not be swept'))
      .finally(schedule)
  }
  schedule()
  app.addHook('onClose', async () => {
    closed = true
    clearTimeout(timer)
    await withPatience(running)
  })
}

function inTime (sweeping: Promise<unknown>, milliseconds: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the sweep has not ended after ${milliseconds} ms`)), milliseconds)
    timer.unref()
    sweeping.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

function withPatience (running: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE)
    running.finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
