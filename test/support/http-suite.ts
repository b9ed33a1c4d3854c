import { changeRows } from './http-changes.js'
import { endRows } from './http-ends.js'
import { lifeRows } from './http-life.js'
import { type Rows, runRows } from './http-scene.js'
import { sharingRows } from './http-sharing.js'
import { eachStore, type Family } from './stores.js'

/** What an application sees of its sessions, whatever they are kept in. */
export const httpRows: Rows = { ...changeRows, ...lifeRows, ...endRows, ...sharingRows }

/** What an application sees of its sessions, on every store of a family: the same rows for all. */
export async function httpSuite (family: Family): Promise<void> {
  await eachStore(family, async (t, row) => {
    const { store: other } = await row.another()
    await runRows(t, { ...row, other }, httpRows)
  })
}
