import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { AsyncStore, Awaitable, SessionStore } from '../../types/store.js'

/** Registers one test of the caller's own test runner. */
export type ConformanceTest = (name: string, fn: () => Promise<void>) => unknown

/** An empty store and how to undo it. */
export interface OpenedStore {
  readonly store: SessionStore
  readonly close?: () => unknown
}

/** Opens an empty store. */
export type OpenStore = () => SessionStore | OpenedStore | Promise<SessionStore | OpenedStore>

/** Something that not every store has or promises. */
export type Absent = 'findBySubject' | 'sweep' | 'atomic'

/** Options of `storeConformance`. */
export interface ConformanceOptions {
  /** How exactly the engine keeps a deadline, in milliseconds. Default 1; 1000 for an engine that counts seconds. */
  readonly granularity?: number | undefined
  /**
   * The abilities that this store does not have: `findBySubject`, `sweep`, `atomic`. Their tests are left out, and the store is checked to say the same. Default: none.
   */
  readonly without?: readonly Absent[] | undefined
}

/** The arguments of one test. */
export interface Scene {
  readonly store: AsyncStore
  /** How exactly deadlines are kept, in milliseconds. */
  readonly granularity: number
  /** A deadline near enough to wait for, and far enough to be seen alive before. */
  soon (): number
  /** Returns when `deadline` has passed for every clock involved. */
  past (deadline: number): Promise<void>
}

export interface Runner {
  check (name: string, fn: (scene: Scene) => Promise<void>): void
  has (part: Absent): boolean
  readonly without: readonly Absent[]
}

export function runner (test: ConformanceTest, open: OpenStore, options: ConformanceOptions): Runner {
  const granularity = options.granularity ?? 1
  const without = options.without ?? []
  return {
    without,
    has: (part) => !without.includes(part),
    check (name, fn) {
      test(name, async () => {
        const opened = await open()
        const { store, close } = 'store' in opened ? opened : { store: opened, close: undefined }
        try {
          await fn({ store: promising(store), granularity, ...clock(granularity) })
        } finally {
          await store.close?.()
          await close?.()
        }
      })
    }
  }
}

/** A store may answer at once, and throw; here every answer is a promise. One that says `immediate` is held to it. */
function promising (store: SessionStore): AsyncStore {
  const settled = async <T>(answer: Awaitable<T>): Promise<T> => {
    assert.ok(!store.immediate || typeof Object(answer).then !== 'function', 'a store that says `immediate` answered by a promise')
    return await answer
  }
  return {
    ...(store.atomic !== undefined && { atomic: store.atomic }),
    ...(store.immediate !== undefined && { immediate: store.immediate }),
    ...(store.findBySubject && { findBySubject: store.findBySubject.bind(store) }),
    ...(store.sweep && { sweep: store.sweep.bind(store) }),
    ...(store.close && { close: store.close.bind(store) }),
    create: async (...record) => await settled(store.create(...record)),
    load: async (id) => await settled(store.load(id)),
    replace: async (...change) => await settled(store.replace(...change)),
    touch: async (id, expiresAt) => await settled(store.touch(id, expiresAt)),
    delete: async (id) => await settled(store.delete(id))
  }
}

function clock (granularity: number): Pick<Scene, 'soon' | 'past'> {
  return {
    soon: () => Date.now() + Math.max(100, 2 * granularity),
    past: async (deadline) => {
      const end = deadline + granularity
      while (Date.now() <= end) await sleep(end - Date.now() + 1)
    }
  }
}

/** By the global timer, which a clock that is set moves as well. */
export const sleep = (milliseconds: number) => new Promise<void>((resolve) => { setTimeout(resolve, milliseconds) })

/** Calls `call` for each item, twenty at a time: not one after the other, nor more than a pool has connections for. */
export async function twentyAtATime<T> (items: readonly T[], call: (item: T, index: number) => unknown): Promise<void> {
  for (let start = 0; start < items.length; start += 20) {
    await Promise.all(items.slice(start, start + 20).map((item, at) => call(item, start + at)))
  }
}

/** An id as the plugin makes them. */
export const newId = (): string => `conformance:${randomBytes(32).toString('hex')}`

/** A deadline that no test reaches. */
export const later = (): number => Date.now() + 3_600_000

/** A deadline that has passed, for every clock. */
export const elapsed = (): number => Date.now() - 10_000
