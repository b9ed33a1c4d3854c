import { Session } from 'node:inspector/promises'

const session = new Session()

/** Sample this process's stack from now on, every 200 µs. */
export async function startProfile () {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
}

/** Share of the samples in each function itself, the biggest first. @returns {Promise<{ functions: { where: string, share: number }[] }>} */
export async function stopProfile () {
  const { profile } = await session.post('Profiler.stop')
  const samples = profile.samples ?? []
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  /** @type {Map<string, number>} */
  const hits = new Map()
  for (const id of samples) {
    const where = places.get(id) ?? '?'
    if (where !== '(idle)') hits.set(where, (hits.get(where) ?? 0) + 1)
  }
  const busy = [...hits.values()].reduce((a, b) => a + b, 0)
  return { functions: [...hits].map(([where, count]) => ({ where, share: count / busy })).sort((a, b) => b.share - a.share) }
}

/** @param {{ functionName: string, url: string, lineNumber: number }} frame */
function placeOf ({ functionName, url, lineNumber }) {
  const file = url.replace(/^.*\/(node_modules\/|dist\/)/, '$1')
  const name = functionName || '(anonymous)'
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`
}
