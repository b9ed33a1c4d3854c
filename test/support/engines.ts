import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Abilities, type Address, type Connection, connect, oneServer, type OpenedStore, opened, prepareStore, type Running, type ServerKind, serversOf } from './engine.js'
import { root } from './root.js'
import { skipOrFail } from './skip.js'

const stores = join(root, 'test/stores')

/** The folders of `test/stores` that have an engine. */
export const engines: readonly string[] = readdirSync(stores).filter((name) => existsSync(join(stores, name, 'engine.ts')))

/** A client, and the data it reaches. */
export interface StoreRow {
  readonly name: string
  readonly address: Address
  readonly kind: ServerKind
  readonly abilities: Abilities
  /** Keeps the contract under parallel writes. FerretDB 1 does not: its updates are not atomic. */
  readonly atomic: boolean
  readonly running: Running
  readonly connection: Connection
  readonly store: OpenedStore['store']
  /** Another client of the same data, as another process would have. */
  another (): Promise<OpenedStore>
}

interface Which {
  /** Those that keep the contract under parallel writes. */
  readonly atomic?: boolean
  /** Clients that are set up otherwise, too. */
  readonly otherwise?: boolean
  /** Each client on a server of its own, which it may leave in any state. */
  readonly apart?: boolean
}

/**
 * Runs `tests` for each store of the engine that the command line names, or of all: one after the other, on servers of
 * this process's own that are stopped at the end. Without its server a row is skipped, and fails in CI.
 */
export async function eachStore (which: Which, tests: (t: Test, row: StoreRow) => Promise<unknown>): Promise<void> {
  const [, , asked] = process.argv
  for (const engine of asked === undefined ? engines : [asked]) {
    for (const [server, kind] of await serversOf(engine)) {
      if (which.atomic && kind.breaks) continue
      await t.test(server, async t => {
        const reason = kind.missing?.()
        if (reason !== undefined) return kind.mayMiss ? t.plan(0, reason) : skipOrFail(t, reason)
        const shared = which.apart ? undefined : await started(t, kind)
        for (const client of Object.keys({ ...kind.clients, ...which.otherwise && !oneServer && kind.otherwise })) {
          await t.test(client, async t => {
            const running = shared ?? await started(t, kind)
            await tests(t, await rowOf(t, { engine, server, client, at: running.at }, kind, running))
          })
        }
      })
    }
  }
}

async function started (t: Test, kind: ServerKind): Promise<Running> {
  const running = await kind.start()
  t.teardown(() => running.stop())
  return running
}

async function rowOf (t: Test, address: Address, kind: ServerKind, running: Running): Promise<StoreRow> {
  const connections: OpenedStore[] = []
  t.teardown(async () => { await Promise.all(connections.map((connection) => connection.close())) })
  const open = async () => {
    const connection = await connect(address)
    const store = opened(connection)
    connections.push(store)
    return { connection, ...store }
  }
  await prepareStore(address)
  const { connection, store } = await open()
  const abilities = { findsBySubject: true, sweeps: true, durable: true, flushes: true, ...kind.abilities }
  return { name: `${address.server} with ${address.client}`, address, kind, abilities, atomic: kind.breaks === undefined, running, connection, store, another: open }
}
