// Sessions that are bound to devices: the same rows for every store.
import { runDeviceRows } from '../support/device-rows.js'
import { eachStore } from '../support/engines.js'

await eachStore({ atomic: true }, async (t, { store, another }) => {
  const { store: other } = await another()
  await runDeviceRows(t, { store, other })
})
