/**
 * Thrown by {@link clone} and {@link same} for a kind of value that they do not know, such as an instance of the application's
 * own class. Only the schema's codec can tell then.
 */
export const UNKNOWN_KIND = new Error('clone and same do not know this kind of value')

type Plain = Record<string, unknown>

/** In a `for…in` V8 leaves this call out, but not `Object.hasOwn`. A list of the keys of each object would double the time of a big session. */
const { hasOwnProperty } = Object.prototype

/** A copy that shares nothing mutable, never frozen. Throws {@link UNKNOWN_KIND}. */
export function clone<T> (value: T): T
export function clone (value: unknown): unknown {
  if (isPrimitive(value)) return value
  if (typeof value !== 'object' || value === null) throw UNKNOWN_KIND
  if (Array.isArray(value)) return cloneArray(value)
  return isPlainObject(value) ? cloneObject(value) : cloneInstance(value)
}

function cloneArray (array: readonly unknown[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < array.length; i++) copy.push(clone(array[i]))
  return copy
}

function cloneObject (object: Plain): Plain {
  const copy = { ...object }
  for (const key in copy) {
    const value = copy[key]
    if (isPrimitive(value) || !hasOwnProperty.call(copy, key)) continue
    // Assigning to __proto__ would change the copy's prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: clone(value) })
    else copy[key] = clone(value)
  }
  return copy
}

function cloneInstance (value: object): unknown {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Date.prototype) return new Date((value as Date).getTime())
  if (prototype === Map.prototype) return new Map(cloneArray([...value as Map<unknown, unknown>]) as [unknown, unknown][])
  if (prototype === Set.prototype) return new Set(cloneArray([...value as Set<unknown>]))
  if (isBytes(value, prototype)) return new Uint8Array(value)
  if (prototype === URL.prototype) return new URL((value as URL).href)
  throw UNKNOWN_KIND
}

/**
 * Are two values equal in depth? A key whose value is `undefined` counts as absent, `-0` equals `0`, the order of keys does
 * not matter, that of Map and Set does. Throws {@link UNKNOWN_KIND} when it cannot tell.
 */
export function same (a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return samePrimitive(a, b)
  if (Array.isArray(a)) return Array.isArray(b) ? sameItems(a, b) : differentKind(b)
  if (isPlainObject(a)) return isPlainObject(b) ? sameKeys(a, b) : differentKind(b)
  return sameInstance(a, b)
}

/** {@link same} for the own enumerable keys of two objects, whatever their prototypes. Throws {@link UNKNOWN_KIND}. */
export function sameKeys (a: object, b: object): boolean {
  let present = 0
  for (const key in a) {
    if (!hasOwnProperty.call(a, key)) continue
    const value = (a as Plain)[key]
    if (value !== (b as Plain)[key] && !same(value, own(b, key))) return false
    if (value !== undefined) present++
  }
  return countKeys(b) === present
}

const own = (object: object, key: string): unknown => Object.hasOwn(object, key) ? (object as Plain)[key] : undefined

function countKeys (object: object): number {
  let count = 0
  for (const key in object) {
    if (hasOwnProperty.call(object, key) && (object as Plain)[key] !== undefined) count++
  }
  return count
}

function samePrimitive (a: unknown, b: unknown): boolean {
  if (isOpaque(a) || isOpaque(b)) throw UNKNOWN_KIND
  return Number.isNaN(a) && Number.isNaN(b)
}

const isOpaque = (value: unknown): boolean => typeof value === 'function' || typeof value === 'symbol'

const isPrimitive = (value: unknown): boolean => value === null || (typeof value !== 'object' && !isOpaque(value))

function sameItems (a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (!same(a[i], b[i])) return false
  }
  return true
}

function sameInstance (a: object, b: object): boolean {
  const prototype = Object.getPrototypeOf(a)
  const other = Object.getPrototypeOf(b)
  if (isBytes(a, prototype)) return isBytes(b, other) ? sameBytes(a, b) : differentKind(b)
  if (!isKnown(prototype)) throw UNKNOWN_KIND
  if (prototype !== other) return differentKind(b)
  if (prototype === Date.prototype) return Object.is((a as Date).getTime(), (b as Date).getTime())
  if (prototype === URL.prototype) return (a as URL).href === (b as URL).href
  return sameItems([...a as Iterable<unknown>], [...b as Iterable<unknown>])
}

/** `a` is of a known kind: so `b` differs, unless nobody knows what `b` is. */
function differentKind (b: object): false {
  const prototype = Object.getPrototypeOf(b)
  if (Array.isArray(b) || isPlainObject(b) || isBytes(b, prototype) || isKnown(prototype)) return false
  throw UNKNOWN_KIND
}

function sameBytes (a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

const isKnown = (prototype: unknown): boolean =>
  prototype === Date.prototype || prototype === Map.prototype || prototype === Set.prototype || prototype === URL.prototype

// A Buffer is what Node hands out where bytes are meant; as session data it is nothing else.
const isBytes = (_value: object, prototype: unknown): _value is Uint8Array =>
  prototype === Uint8Array.prototype || prototype === Buffer.prototype

/** Made by a literal, by `JSON.parse`, or without a prototype. */
export function isPlainObject (value: unknown): value is Plain {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
