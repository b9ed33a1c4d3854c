import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { runDeviceRows } from '../support/device-rows.js'

const store = memoryStore()
await runDeviceRows(t, { store, other: store })
