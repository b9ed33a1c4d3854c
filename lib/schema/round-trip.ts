import { InvalidData } from '../errors.js'
import { isForbiddenKey } from '../values/json.js'
import { formatPath } from '../values/path.js'
import type { Path } from '../values/path.js'
import { isPlainObject, same } from '../values/clone.js'

type Names = ReadonlySet<string>

const MAX_LIVE_DEPTH = 100

/**
 * Live data without the keys whose value is `undefined`: they count as absent. Everything but plain objects and arrays is
 * handed on as it is. Throws `FST_TYPED_SESSION_INVALID_DATA` for cyclic data and for keys that could exchange a prototype.
 */
export function withoutUndefined (live: unknown, names: Names, path: PropertyKey[] = []): unknown {
  if (typeof live !== 'object' || live === null) return live
  if (Array.isArray(live)) return itemsWithoutUndefined(live, names, path)
  if (!isPlainObject(live)) return live
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(live)) {
    if (isForbiddenKey(key)) throw new InvalidData(`${formatPath([...path, key], names)} (this key is not allowed)`)
    if (live[key] !== undefined) copy[key] = inside(key, live[key], names, path)
  }
  return copy
}

function itemsWithoutUndefined (live: readonly unknown[], names: Names, path: PropertyKey[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < live.length; i++) copy.push(inside(i, live[i], names, path))
  return copy
}

function inside (key: PropertyKey, value: unknown, names: Names, path: PropertyKey[]): unknown {
  if (path.length >= MAX_LIVE_DEPTH) throw new InvalidData(`${formatPath(path, names)} (nested more than ${MAX_LIVE_DEPTH} deep, or cyclic)`)
  path.push(key)
  const result = withoutUndefined(value, names, path)
  path.pop()
  return result
}

/** `dropped`: gone. `appeared`: was not there. `rewritten`: another string, number … `changed`: anything else. `unknown`: cannot tell. */
export interface Difference { readonly path: Path, readonly kind: 'dropped' | 'appeared' | 'rewritten' | 'changed' | 'unknown' }

/** How what was read back differs from what was written. */
export function differences (live: unknown, back: unknown, path: Path = []): Difference[] {
  if (live === undefined && back === undefined) return []
  if (back === undefined) return [{ path, kind: 'dropped' }]
  if (live === undefined) return [{ path, kind: 'appeared' }]
  if (isPlainObject(live) && isPlainObject(back)) {
    const keys = new Set([...Object.keys(live), ...Object.keys(back)])
    return [...keys].flatMap(key => differences(live[key], back[key], [...path, key]))
  }
  if (Array.isArray(live) && Array.isArray(back) && live.length === back.length) {
    return live.flatMap((item, i) => differences(item, back[i], [...path, i]))
  }
  const kind = leafDifference(live, back)
  return kind === null ? [] : [{ path, kind }]
}

function leafDifference (live: unknown, back: unknown): 'rewritten' | 'changed' | 'unknown' | null {
  try {
    if (same(live, back)) return null
  } catch {
    return 'unknown'
  }
  return typeof live === typeof back && typeof live !== 'object' ? 'rewritten' : 'changed'
}
