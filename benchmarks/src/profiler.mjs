import { Session } from 'node:inspector/promises'
import { ownerOf } from './owners.mjs'

const session = new Session()

/** Sample this process's stack from now on, every 200 µs. */
export async function startProfile () {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
}

/**
 * Share of the samples in each function itself, the biggest first, and in the code of each owner.
 *
 * @returns {Promise<{ functions: { where: string, share: number }[], owned: Record<string, number> }>}
 */
export async function stopProfile () {
  const { profile } = await session.post('Profiler.stop')
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const busy = (profile.samples ?? []).map((id) => frames.get(id)).filter((frame) => frame !== undefined && frame.functionName !== '(idle)')
  const functions = sharesBy(busy, placeOf)
  return { functions: [...functions].map(([where, share]) => ({ where, share })).sort((a, b) => b.share - a.share), owned: Object.fromEntries(sharesBy(busy, ownerOf)) }
}

/** @template T @param {readonly T[]} samples @param {(sample: T) => string} name */
function sharesBy (samples, name) {
  /** @type {Map<string, number>} */
  const shares = new Map()
  for (const sample of samples) shares.set(name(sample), (shares.get(name(sample)) ?? 0) + 1 / samples.length)
  return shares
}

/** @param {{ functionName: string, url: string, lineNumber: number }} frame */
function placeOf ({ functionName, url, lineNumber }) {
  const file = url.replace(/^.*\/(node_modules\/|dist\/)/, '$1')
  const name = functionName || '(anonymous)'
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`
}
