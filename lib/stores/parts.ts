import type { SessionStore, StoreCapabilities } from '../../types/index.js'
import { InvalidOption } from '../errors.js'

const methods = ['create', 'load', 'replace', 'touch', 'delete']

/** Throws `InvalidOption` unless each of the options is a store. */
export function assertStores (factory: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, store] of Object.entries(options)) {
    const members = Object(store) as Record<string, unknown>
    if (!methods.every((method) => typeof members[method] === 'function')) {
      throw new InvalidOption(`${factory}({ ${name} })`, `must be a store: it needs the methods ${methods.join(', ')}`)
    }
  }
}

/** What both stores promise. */
export function common (a: SessionStore, b: SessionStore): StoreCapabilities {
  const both = (promise: keyof StoreCapabilities) => (a.capabilities?.[promise] ?? true) && (b.capabilities?.[promise] ?? true)
  return { atomicCreate: both('atomicCreate'), compareAndSet: both('compareAndSet'), safeTouch: both('safeTouch') }
}

/** Sweeps and closes both; has a `sweep` only if one of them has. One that fails does not keep the other from it. */
export function upkeep (a: SessionStore, b: SessionStore): Required<Pick<SessionStore, 'close'>> & Pick<SessionStore, 'sweep'> {
  return {
    async close () {
      await allOf([a, b].map(async (store) => await store.close?.()))
    },
    ...((a.sweep ?? b.sweep) && {
      async sweep () {
        const counts = await allOf([a, b].map(async (store) => await store.sweep?.() ?? 0))
        return counts.reduce((sum, count) => sum + count, 0)
      }
    })
  }
}

async function allOf<T> (calls: Array<Promise<T>>): Promise<T[]> {
  await Promise.allSettled(calls)
  return await Promise.all(calls)
}
