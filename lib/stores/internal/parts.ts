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

/** Settles all before it rejects with what went wrong first. */
export async function settleAll<T> (calls: ReadonlyArray<Promise<T>>): Promise<T[]> {
  await Promise.allSettled(calls)
  return await Promise.all(calls)
}

/** Both, even if one of them fails. */
export async function closeBoth (a: SessionStore, b: SessionStore): Promise<void> {
  await settleAll([a, b].map(async (store) => await store.close?.()))
}
