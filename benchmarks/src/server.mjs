import { serve, tell } from './control.mjs'
import { subjects } from './subjects/index.mjs'

// The process that is measured.
const [id = ''] = process.argv.slice(2)
const root = process.env.BENCH_ROOT ?? ''
const subject = subjects.find((s) => s.id === id)

try {
  if (subject === undefined) throw new Error(`no subject ${id}`)
  const { build } = await import(`./subjects/${subject.module}.mjs`)
  const { server, ready } = await build({ variant: subject.variant, redisUrl: process.env.BENCH_REDIS_URL, root })
  await ready?.()
  serve(server)
} catch (error) {
  tell({ type: 'unavailable', reason: error instanceof Error ? error.message : String(error) })
}
