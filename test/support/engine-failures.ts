import { existsSync } from 'node:fs'
import type { Test } from 'tap'
import type { Reachable } from './engine.js'
import type { StoreRow } from './engines.js'
import type { visitors } from './fault-visitors.js'
import type { Proxy } from './proxy.js'
import type { RunningServer } from './server-process.js'

export interface FaultScene {
  readonly row: StoreRow
  readonly behind: Reachable
  readonly proxy: Proxy
  readonly people: Awaited<ReturnType<typeof visitors>>
  /** The same store under the policy `onStoreError: 'anonymous'`. */
  readonly lenient: Awaited<ReturnType<typeof visitors>>
}

/** With a server that is ours to stop and to kill. */
export interface DeadlyScene extends FaultScene { readonly server: RunningServer }

/** What `test/stores/<engine>/failures.ts` exports: failures that only this engine has. */
export interface EngineFailures {
  /** After those of every server. */
  readonly ofServer?: (t: Test, scene: DeadlyScene) => Promise<unknown>
  /** Of what has no single server that a proxy could stand before. */
  readonly ofStore?: (t: Test, row: StoreRow) => Promise<unknown>
}

export async function failuresOf (engine: string): Promise<EngineFailures> {
  const file = new URL(`../stores/${engine}/failures.js`, import.meta.url)
  return existsSync(file) ? await import(file.href) as EngineFailures : {}
}
