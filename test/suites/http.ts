// What an application sees of its sessions: the same rows for every store.
import { eachStore } from '../support/engines.js'
import { httpRows } from '../support/http-rows.js'
import { runRows } from '../support/http-scene.js'

await eachStore({}, async (t, { name, store, another, abilities: { findsBySubject } }) => {
  const { store: other } = await another()
  await runRows(t, { name, store, other, findsBySubject }, httpRows)
})
