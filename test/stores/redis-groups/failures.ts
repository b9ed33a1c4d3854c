import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { clientOptions } from '../../support/client-options.js'
import { openStore } from '../../support/engine.js'
import type { StoreRow } from '../../support/engines.js'
import { visitors } from '../../support/fault-visitors.js'
import { replicated } from '../../support/redis-servers.js'
import { ask, type RunningServer, waitUntil } from '../../support/server-process.js'

/** Milliseconds to find out that a master is gone and to promote its replica, with the timeouts of these servers. */
const FAIL_OVER = 15_000
const VISITORS = 12

export async function ofStore (t: Test, { address, running }: StoreRow): Promise<void> {
  await t.test('R-16 the master dies while requests run: a 503 or the truth, and its replica takes over', async t => {
    const { store, close } = await openStore(address, { options: clientOptions })
    t.teardown(close)
    const people = await visitors(t, store)
    await people.begin(VISITORS)
    const server = await running.master?.() as RunningServer
    await replicated(server)
    const requests = people.hammer()
    await waitUntil('somebody was served', async () => requests.seen.has('served'))
    await server.signal('SIGKILL')
    const servedBefore = requests.seen.get('served') ?? 0
    // node-redis holds what comes meanwhile: where the time limit is a busy machine's, the new master answers all of it.
    const isServedAnew = () => (requests.seen.get('served') ?? 0) > servedBefore + 2 * VISITORS
    await waitUntil('somebody was told, or the new master serves', async () => requests.seen.has('unavailable') || isServedAnew())
    await sleep(500)
    const seen = await requests()
    t.equal(seen.get('anonymous'), undefined, 'a master that is away is not "no such session"')
    // The last writes before a fail-over may not have reached the replica: docs/redis.md.
    await people.recover({ within: FAIL_OVER, lossy: true })
    await server.restart()
    await waitUntil('who was the master follows the new one', async () => (await ask(server.port, 'INFO replication')).includes('master_link_status:up'))
    t.strictSame(await people.everybody(), ['served'], 'and does not disturb it')
  })
}
