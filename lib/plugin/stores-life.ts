import type { FastifyInstance } from 'fastify'
import type { SessionStore } from '../../types/index.js'
import type { Settings } from '../options/options.js'
import { startSweeper } from './sweeper.js'

/** The application's end closes its stores; until then those that do not forget by themselves are swept. */
export function attachStores (app: FastifyInstance, { store, revocations, sweepEvery }: Settings): void {
  for (const kept of new Set([store, revocations])) {
    if (kept === null) continue
    app.addHook('onClose', async () => await closeOnce(app, kept))
    if (kept.sweep !== undefined && sweepEvery > 0) startSweeper(app, async () => await kept.sweep?.(), sweepEvery)
  }
}

const closed = new WeakMap<object, Set<SessionStore>>()

/** Several sessions of one application may share a store. */
async function closeOnce ({ server }: FastifyInstance, store: SessionStore): Promise<void> {
  const stores = closed.get(server) ?? new Set()
  if (stores.has(store)) return
  closed.set(server, stores.add(store))
  await store.close?.()
}
