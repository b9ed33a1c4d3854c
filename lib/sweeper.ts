import type { FastifyInstance } from 'fastify'

/** A longer timer would fire at once. */
const LONGEST = 2 ** 31 - 1

/**
 * Sweeps every `every` milliseconds or up to half as much longer, so that processes that started together do not sweep
 * together. Never keeps the process alive; `app.close()` waits for a sweep that is under way.
 */
export function startSweeper (app: FastifyInstance, sweep: () => Promise<unknown>, every: number): void {
  let timer: NodeJS.Timeout
  let running: Promise<unknown> = Promise.resolve()
  const schedule = () => {
    timer = setTimeout(run, Math.min(every * (1 + Math.random() / 2), LONGEST))
    timer.unref()
  }
  const run = () => {
    running = sweep()
      .catch((error: unknown) => app.log.error({ err: error }, 'session store could not be swept'))
      .finally(schedule)
  }
  schedule()
  app.addHook('onClose', async () => {
    await running
    clearTimeout(timer)
  })
}
