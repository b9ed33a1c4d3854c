import t from 'tap'
import { createTable, sqliteStore } from '../../../lib/stores/sqlite.js'
import { conforms } from '../../support/conformance.js'
import { drivers, isMissing } from '../../support/sqlite.js'

for (const [name, driver] of Object.entries(drivers)) {
  t.test(name, async (t) => {
    if (isMissing(t, name) || 'missing' in driver) return
    for (const [how, open] of [['by default', driver.open], ['set up to read otherwise', driver.openOtherwise]] as const) {
      t.test(`keeps the contract on a connection ${how}`, async (t) => conforms(t, async () => {
        const database = open(':memory:')
        await createTable(database)
        return { store: sqliteStore({ database }), close: () => database.close() }
      }))
    }
  })
}
