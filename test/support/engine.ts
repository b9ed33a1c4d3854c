import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionStore } from '../../types/store.js'
import { type ClientOptions, patientOptions } from './client-options.js'
import type { RunningServer } from './server-process.js'

/** What `test/stores/<engine>/engine.ts` exports: each kind of server that its suites run on, by the name that they show. */
export type Engine = Readonly<Record<string, ServerKind>>

export interface ServerKind {
  /** Why it cannot run here, or nothing when it can. */
  readonly missing?: () => string | undefined
  /** Nothing that could be installed: missing, it is skipped in CI too. */
  readonly mayMiss?: boolean
  readonly start: () => Promise<Running>
  readonly clients: Readonly<Record<string, Connect>>
  /** Clients that are set up otherwise. They have to keep the contract too. */
  readonly otherwise?: Readonly<Record<string, Connect>>
  readonly abilities?: Partial<Abilities>
  /** Checks of the contract that no store can keep on it. */
  readonly breaks?: readonly string[]
  /** Clients that keep connections which died without a word until TCP gives them up: docs/failures.md. */
  readonly keepsDeadConnections?: readonly string[]
}

export interface Abilities {
  readonly findsBySubject: boolean
  /** Removes what has expired when it is told to. Else it does so by itself. */
  readonly sweeps: boolean
  /** What a killed server had acknowledged is there when it starts again. */
  readonly durable: boolean
  /** And so is what it acknowledged in its last second. mongo-java-server writes to disk in the background. */
  readonly flushes: boolean
}

/** What clients connect to: shared by all tests of a process. */
export interface Running {
  /** A port, several, a path, a URL: another process can be told. */
  readonly at: string
  /** Where a proxy has to connect to, and what is then to connect to. Clients of a group would go past a proxy. */
  readonly behind?: Reachable
  /** The one process behind it, where there is one over TCP that a test may end. */
  readonly server?: RunningServer
  /** Of a group: the one that sessions are written to at first. */
  master? (): Promise<RunningServer>
  stop (): Promise<void>
}

export interface Reachable {
  readonly host: string
  readonly port: number
  through (port: number): string
}

export interface OpenOptions {
  /** The server is down, and nobody waits for it. */
  readonly down?: boolean
  readonly options?: ClientOptions
}

/** Opens one connection, as an application has it. */
export type Connect = (at: string, options: Required<OpenOptions>) => Promise<Connection> | Connection

export interface Connection {
  /** A store in a space of its own: a table, a collection, a prefix. Without a name where stores are by default. */
  store (space?: string): SessionStore
  /** Creates what that needs to be there: tables, indexes. */
  prepare? (space?: string): Promise<unknown>
  /** Where a server gets slower by what is left behind. */
  drop? (space: string): Promise<unknown>
  close (): unknown
}

/** Where a store's data is, as text. */
export interface Address {
  readonly engine: string
  readonly server: string
  readonly client: string
  readonly at: string
}

export interface OpenedStore {
  readonly store: SessionStore
  close (): Promise<unknown>
}

/** One process over TCP, whose clients need its port only. */
export async function single (start: Promise<RunningServer>): Promise<Running> {
  const server = await start
  return { at: String(server.port), behind: { ...server, through: String }, server, stop: async () => await server.stop() }
}

/** What needs no server: a path in a directory of its own. */
export async function inDirectory (path: string): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'session-test-stores-'))
  return { at: join(directory, path), stop: async () => rmSync(directory, { recursive: true, force: true }) }
}

/** On a second version of Node the first server of each engine will do, with its usual clients: the others differ in nothing that is Node's. */
export const oneServer = process.env.ONE_SERVER === 'true'

export async function engineOf (name: string): Promise<Engine> {
  const module = await import(`../stores/${name}/engine.js`) as { default: Engine }
  return module.default
}

/** The servers that the suites of an engine run on. */
export async function serversOf (name: string): Promise<Array<[string, ServerKind]>> {
  const servers = Object.entries(await engineOf(name))
  return oneServer ? servers.slice(0, 1) : servers
}

/** A connection of its own, patient unless it is given other options. */
export async function connect ({ engine, server, client, at }: Address, { down = false, options = patientOptions }: OpenOptions = {}): Promise<Connection> {
  const { clients = {}, otherwise } = (await engineOf(engine))[server] ?? {}
  const open = { ...clients, ...otherwise }[client]
  if (open === undefined) throw new Error(`${engine} has no ${client} of ${server}`)
  return await open(at, { down, options })
}

/** `down`: the server is, and the client shall wait for it by itself. */
export async function openStore (address: Address, options?: OpenOptions): Promise<OpenedStore> {
  return opened(await connect(address, options))
}

/** One store serves many applications of a test, each of which would close what it owns. */
export function opened (connection: Connection): OpenedStore {
  const store = connection.store()
  if (store.close === undefined) return { store, close: async () => await connection.close() }
  const { close, ...others } = store
  return {
    store: others,
    async close () {
      await close()
      await connection.close()
    }
  }
}

/** Creates what the store needs to be there. */
export async function prepareStore (address: Address): Promise<void> {
  const connection = await connect(address)
  await connection.prepare?.()
  await connection.close()
}
