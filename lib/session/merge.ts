import { InvalidOption } from '../errors.js'
import type { Data } from '../record/record.js'
import { isPromise } from '../async/promises.js'

export type { Data } from '../record/record.js'

export type Resolvers = Readonly<Record<string, ((versions: { base: unknown, theirs: unknown, ours: unknown }) => unknown) | undefined>>

export interface Merged {
  readonly data: Data
  /** The keys both sides had changed. */
  readonly conflicts: readonly string[]
}

/**
 * Three-way merge by top-level key. A key that one side changed takes that side's value, also when it was removed there.
 * A key that both changed goes to its resolver, else ours wins. Throws `InvalidOption` for a resolver that does not answer at once.
 */
export function merge (base: Data, theirs: Data, ours: Data, resolvers: Resolvers, same: (a: unknown, b: unknown, key: string) => boolean): Merged {
  const data: Data = {}
  const conflicts: string[] = []
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const versions = { base: own(base, key), theirs: own(theirs, key), ours: own(ours, key) }
    const oursChanged = !same(versions.base, versions.ours, key)
    const theirsChanged = !same(versions.base, versions.theirs, key)
    let value = oursChanged ? versions.ours : versions.theirs
    if (oursChanged && theirsChanged && !same(versions.ours, versions.theirs, key)) {
      conflicts.push(key)
      const resolve = Object.hasOwn(resolvers, key) ? resolvers[key] : undefined
      if (resolve) value = resolve(versions)
      if (resolve && isPromise(value)) throw new InvalidOption(`merge.${key}`, 'must answer at once, not give a promise')
    }
    if (value !== undefined) data[key] = value
  }
  return { data, conflicts }
}

function own (data: Data, key: string): unknown {
  return Object.hasOwn(data, key) ? data[key] : undefined
}
