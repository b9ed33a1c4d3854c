import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { migratingStore } from '../../lib/stores/adapters/migrating.js'
import { tieredStore } from '../../lib/stores/adapters/tiered.js'
import type { SessionStore } from '../../types/index.js'
import { runDeviceRows } from '../support/device-rows.js'

const stores: Readonly<Record<string, SessionStore>> = {
  memoryStore: memoryStore(),
  tieredStore: tieredStore({ cache: memoryStore(), store: memoryStore() }),
  migratingStore: migratingStore({ from: memoryStore(), to: memoryStore() })
}

for (const [name, store] of Object.entries(stores)) {
  t.test(`sessions are bound to devices in ${name}`, async (t) => { await runDeviceRows(t, { store, other: store }) })
}
