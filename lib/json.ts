import { InvalidData } from './errors.js'
import { formatPath } from './path.js'
import type { Path } from './path.js'
import { isPlainObject } from './snapshot.js'

/** How deep stored data may be nested: far from the stack's end in a recursive schema. */
export const MAX_DEPTH = 32

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Keys that exchange or reach an object's prototype where code is careless. */
export const isForbiddenKey = (key: string): boolean => FORBIDDEN_KEYS.has(key)

/** The path of the first thing in parsed JSON that is nested too deeply or stands under a forbidden key, or `null`. */
export function outOfBounds (value: unknown, depth = 1): Path | null {
  if (typeof value !== 'object' || value === null) return null
  if (depth > MAX_DEPTH) return []
  return Array.isArray(value) ? itemOutOfBounds(value, depth) : keyOutOfBounds(value, depth)
}

function itemOutOfBounds (array: readonly unknown[], depth: number): Path | null {
  for (let i = 0; i < array.length; i++) {
    const path = outOfBounds(array[i], depth + 1)
    if (path !== null) return [i, ...path]
  }
  return null
}

function keyOutOfBounds (object: object, depth: number): Path | null {
  for (const key of Object.keys(object)) {
    if (isForbiddenKey(key)) return [key]
    const path = outOfBounds((object as Record<string, unknown>)[key], depth + 1)
    if (path !== null) return [key, ...path]
  }
  return null
}

/**
 * A copy that `JSON.parse(JSON.stringify(copy))` gives back exactly: keys with `undefined` left out, `-0` as `0`.
 * Throws `FST_TYPED_SESSION_INVALID_DATA` with the path of anything that JSON cannot hold, or that is out of bounds.
 */
export function toJson (value: unknown, path: PropertyKey[] = []): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return finite(value, path)
    case 'object':
      return value === null ? null : containerToJson(value, path)
    default:
      throw notJson(path, `${typeof value} is not JSON`)
  }
}

function finite (value: number, path: Path): number {
  if (!Number.isFinite(value)) throw notJson(path, 'the number is not finite')
  return value === 0 ? 0 : value
}

function containerToJson (value: object, path: PropertyKey[]): unknown {
  if (path.length >= MAX_DEPTH) throw notJson(path, `nested more than ${MAX_DEPTH} deep, or cyclic`)
  if (Array.isArray(value)) return arrayToJson(value, path)
  if (!isPlainObject(value)) throw notJson(path, 'a class instance is not JSON')
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    path.push(key)
    if (isForbiddenKey(key)) throw notJson(path, 'this key is not allowed')
    if (value[key] !== undefined) copy[key] = toJson(value[key], path)
    path.pop()
  }
  return copy
}

function arrayToJson (array: readonly unknown[], path: PropertyKey[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < array.length; i++) {
    path.push(i)
    copy.push(toJson(array[i], path))
    path.pop()
  }
  return copy
}

function notJson (path: Path, why: string): Error {
  return new InvalidData(`${formatPath(path)} (${why})`)
}
