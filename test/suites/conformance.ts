// The contract of a store, with every client and on connections that are set up otherwise.
import { storeConformance, type Absent } from '../../lib/conformance.js'
import { eachStore } from '../support/engines.js'

let spaces = 0

await eachStore({ otherwise: true }, async (t, { connection, abilities, kind: { breaks = [] } }) => {
  const without: Absent[] = [...abilities.sweeps ? [] : ['sweep'] as const, ...abilities.findsBySubject ? [] : ['findBySubject'] as const]
  const broken = new Set(breaks)
  storeConformance((name, check) => {
    if (!broken.delete(name)) t.test(name, async t => { await check(); t.pass() })
  }, async () => {
    const space = `space_${spaces++}`
    await connection.prepare?.(space)
    return { store: connection.store(space), close: async () => await connection.drop?.(space) }
  }, { without })
  t.strictSame([...broken], [], 'what is left out is a check of the contract')
})
