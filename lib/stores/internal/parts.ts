import type { SessionStore } from '../../../types/index.js'
import { InvalidOption } from '../../errors.js'
import { isStore, storeMethods } from '../../store-shape.js'

/** Throws `InvalidOption` unless each of the options is a store. */
export function assertStores (factory: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, store] of Object.entries(options)) {
    if (!isStore(store)) {
      throw new InvalidOption(`${factory}({ ${name} })`, `must be a store: it needs the methods ${storeMethods.join(', ')}`)
    }
  }
}

/** Each lost one is somebody else's success. The bound is for a store that lies. */
const MAX_RACES = 100

/** Keeps `payload` under `id`, whatever is there. `false`: the store says that the id is taken, and that nothing is there. */
export async function overwrite (store: SessionStore, id: string, payload: string, expiresAt: number): Promise<boolean> {
  for (let races = 0; races < MAX_RACES; races++) {
    if (await store.create(id, payload, expiresAt) === true) return true
    const present = await store.load(id)
    if (present !== null && await store.replace(id, present, payload, expiresAt) === 'replaced') return true
  }
  return false
}

/** Settles all before it rejects with what went wrong first. */
export async function settleAll<T> (calls: ReadonlyArray<Promise<T>>): Promise<T[]> {
  await Promise.allSettled(calls)
  return await Promise.all(calls)
}

/** Both, even if one of them fails. */
export async function closeBoth (a: SessionStore, b: SessionStore): Promise<void> {
  await settleAll([a, b].map(async (store) => await store.close?.()))
}
