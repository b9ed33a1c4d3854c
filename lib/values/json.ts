import { InvalidData } from '../errors.js'
import { formatPath } from './path.js'
import type { Path } from './path.js'
import { isPlainObject } from './clone.js'

type Names = ReadonlySet<string> | undefined

/** How deep stored data may be nested: far from the stack's end in a recursive schema. */
export const MAX_DEPTH = 32

/** Keys that exchange or reach an object's prototype where code is careless. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

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
 * Throws `FST_TYPED_SESSION_INVALID_DATA` with the path of anything that JSON cannot hold, or that is out of bounds; see
 * {@link formatPath} for `names`.
 */
export function toJson (value: unknown, names?: Names, path: PropertyKey[] = []): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return finite(value, names, path)
    case 'object':
      return value === null ? null : containerToJson(value, names, path)
    default:
      throw notJson(path, names, `${typeof value} is not JSON`)
  }
}

function finite (value: number, names: Names, path: Path): number {
  if (!Number.isFinite(value)) throw notJson(path, names, 'the number is not finite')
  return value === 0 ? 0 : value
}

function containerToJson (value: object, names: Names, path: PropertyKey[]): unknown {
  if (path.length >= MAX_DEPTH) throw notJson(path, names, `nested more than ${MAX_DEPTH} deep, or cyclic`)
  if (Array.isArray(value)) return arrayToJson(value, names, path)
  if (!isPlainObject(value)) throw notJson(path, names, 'a class instance is not JSON')
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    path.push(key)
    if (isForbiddenKey(key)) throw notJson(path, names, 'this key is not allowed')
    if (value[key] !== undefined) copy[key] = toJson(value[key], names, path)
    path.pop()
  }
  return copy
}

function arrayToJson (array: readonly unknown[], names: Names, path: PropertyKey[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < array.length; i++) {
    path.push(i)
    copy.push(toJson(array[i], names, path))
    path.pop()
  }
  return copy
}

function notJson (path: Path, names: Names, why: string): Error {
  return new InvalidData(`${formatPath(path, names)} (${why})`)
}

/** Parses JSON; `undefined` if the text is none. */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
