import type { JsonObject } from '../../types/json.js'

/** What a session holds, by key. */
export type Data = Record<string, unknown>

/** What is kept: the schema's stored side, and what plugins wrote under `undeclaredKeys` (`null`: nothing). Plain JSON. */
export interface Stored { readonly data: Record<string, unknown>, readonly extra: Record<string, unknown> | null, opened?: Opened }

/** What a record says beside its data. Times are milliseconds since the epoch. */
export interface Times {
  /** The version of the schema that wrote it. */
  readonly version: number
  readonly createdAt: number
  /** When the idle clock was last moved by writing the record. */
  readonly savedAt: number
  /** 0: never. */
  readonly authenticatedAt: number
  readonly rotatedAt: number
  /** Seconds the cookie outlives the browser; `null`: as configured. */
  readonly persist: number | null
}

/** JSON as it was found. `opened`: what was seen when somebody looked at it. */
export interface Found { readonly data: unknown, readonly extra: unknown, opened?: Opened }

/** A record as the handler gets it, or the paths at which it does not satisfy the schema. */
export type Opened =
  | { readonly ok: true, readonly data: Record<string, unknown>, readonly upgraded: boolean, /** paths that were dropped to save the rest */ readonly salvaged: readonly string[] }
  | { readonly ok: false, readonly paths: readonly string[] }

/** What the list of a subject's sessions says of one. */
export interface Card {
  readonly about: JsonObject | null
  /** The key that the session has just had. During a rotation both are there. */
  readonly from: string | null
}

/** `card`: `null` if it says nothing. */
export interface SessionRecord { readonly kind: 'session', readonly times: Times, readonly found: Found, readonly card: Card | null }

/** Left under an old id by a rotation: where the session went. */
export interface Tombstone {
  readonly kind: 'moved'
  readonly to: string
  readonly at: number
  /** A change of privilege: the old id reads nothing any more. */
  readonly final: boolean
}

/** Written over a record by `destroy`, so that a rotation in flight cannot carry it on. */
export interface EndMark { readonly kind: 'ended' }

const LATEST = 2 ** 48 - 1
const HEADER = 37
const ROTATED = 1
const PERSIST = 2
const EXTRA = 4

/** The id in a self-contained record, and the record. */
export interface SealedRecord { readonly sid: Buffer, readonly record: SessionRecord }

/** `sid[16] ‖ createdAt ‖ savedAt ‖ authenticatedAt (u48 each) ‖ version u16 ‖ flags u8 ‖ [rotatedAt u48] ‖ [persist u32] ‖ JSON`. */
export function writeSealed (sid: Buffer, times: Times, stored: Stored): Buffer {
  const json = JSON.stringify(stored.extra === null ? stored.data : [stored.data, stored.extra])
  const rotated = times.rotatedAt !== times.createdAt
  const length = HEADER + (rotated ? 6 : 0) + (times.persist === null ? 0 : 4)
  const body = Buffer.allocUnsafe(length + Buffer.byteLength(json))
  sid.copy(body, 0)
  body.writeUIntBE(times.createdAt, 16, 6)
  body.writeUIntBE(times.savedAt, 22, 6)
  body.writeUIntBE(times.authenticatedAt, 28, 6)
  body.writeUInt16BE(times.version, 34)
  body[36] = (rotated ? ROTATED : 0) | (times.persist === null ? 0 : PERSIST) | (stored.extra === null ? 0 : EXTRA)
  if (rotated) body.writeUIntBE(times.rotatedAt, HEADER, 6)
  if (times.persist !== null) body.writeUInt32BE(times.persist, length - 4)
  body.write(json, length)
  return body
}

/** `null` for what `writeSealed` did not write. */
export function readSealed (body: Buffer): SealedRecord | null {
  if (body.length < HEADER) return null
  const flags = body[36] as number
  const length = HEADER + (flags & ROTATED ? 6 : 0) + (flags & PERSIST ? 4 : 0)
  if (flags > 7 || body.length < length) return null
  const json = parse(body.toString('utf8', length))
  if (json === undefined) return null
  const createdAt = body.readUIntBE(16, 6)
  const times = {
    version: body.readUInt16BE(34),
    createdAt,
    savedAt: body.readUIntBE(22, 6),
    authenticatedAt: body.readUIntBE(28, 6),
    rotatedAt: flags & ROTATED ? body.readUIntBE(HEADER, 6) : createdAt,
    persist: flags & PERSIST ? body.readUInt32BE(length - 4) : null
  }
  if (flags & EXTRA && !Array.isArray(json)) return null
  const found = flags & EXTRA ? { data: (json as unknown[])[0], extra: (json as unknown[])[1] } : { data: json, extra: null }
  return { sid: Buffer.from(body.subarray(0, 16)), record: { kind: 'session', times, found, card: null } }
}

/** The payload a store keeps: JSON that an operator can read. */
export function writePayload (times: Times, stored: Found, card: Card | null = null): string {
  return `{"version":${times.version},"createdAt":${times.createdAt},"savedAt":${times.savedAt}` +
    (times.authenticatedAt === 0 ? '' : `,"authenticatedAt":${times.authenticatedAt}`) +
    (times.rotatedAt === times.createdAt ? '' : `,"rotatedAt":${times.rotatedAt}`) +
    (times.persist === null ? '' : `,"persist":${times.persist}`) +
    (card === null ? '' : writeCard(card)) +
    `,"data":${JSON.stringify(stored.data)}` +
    (stored.extra === null ? '}' : `,"extra":${JSON.stringify(stored.extra)}}`)
}

function writeCard ({ about, from }: Card): string {
  return (about === null ? '' : `,"about":${JSON.stringify(about)}`) + (from === null ? '' : `,"from":${JSON.stringify(from)}`)
}

export function writeTombstone (to: string, at: number, final: boolean): string {
  return JSON.stringify({ movedTo: to, at, final })
}

export const END_MARK = '{"ended":true}'

/** `null` for what none of the writers above wrote. Never throws. */
export function readPayload (payload: unknown): SessionRecord | Tombstone | EndMark | null {
  const json = typeof payload === 'string' ? parse(payload) : undefined
  if (typeof json !== 'object' || json === null) return null
  const fields = json as Record<string, unknown>
  if (fields.ended === true) return { kind: 'ended' }
  if (typeof fields.movedTo === 'string') {
    return isTime(fields.at) ? { kind: 'moved', to: fields.movedTo, at: fields.at, final: fields.final !== false } : null
  }
  const { version, createdAt, savedAt, authenticatedAt = 0, rotatedAt = createdAt, persist = null, data, extra = null, about = null, from = null } = fields
  if (!isTime(version) || !isTime(createdAt) || !isTime(savedAt) || !isTime(authenticatedAt) || !isTime(rotatedAt)) return null
  if (persist !== null && !isTime(persist)) return null
  return { kind: 'session', times: { version, createdAt, savedAt, authenticatedAt, rotatedAt, persist }, found: { data, extra }, card: readCard(about, from) }
}

function readCard (about: unknown, from: unknown): Card | null {
  const known = typeof about === 'object' && !Array.isArray(about) ? about as JsonObject | null : null
  const former = typeof from === 'string' ? from : null
  return known === null && former === null ? null : { about: known, from: former }
}

/** Every session that had begun by then is over. */
export function writeNotBefore (notBefore: number): string {
  return JSON.stringify({ notBefore })
}

/** `null` for what `writeNotBefore` did not write. */
export function readNotBefore (payload: string): number | null {
  const { notBefore } = Object(parse(payload)) as { notBefore?: unknown }
  return isTime(notBefore) ? notBefore : null
}

/** The timeouts that are in force, in milliseconds. */
export interface Timeouts { readonly idle: number, readonly absolute: number }

/** When a session that was last used at `usedAt` ends: whole milliseconds, as stores keep them. */
export function deadline (times: Times, usedAt: number, timeouts: Timeouts): number {
  return Math.floor(Math.min(usedAt + timeouts.idle, times.createdAt + timeouts.absolute))
}

/** Clocks of a fleet may differ by this much; a record from further ahead is not ours. */
export const CLOCK_SKEW = 60_000

/** Is a record that was last used at `usedAt` still good, with times that a clock of ours can have written? */
export function isLive (times: Times, usedAt: number, timeouts: Timeouts, now: number): boolean {
  return usedAt <= now + CLOCK_SKEW && times.createdAt <= now + CLOCK_SKEW && now < deadline(times, usedAt, timeouts)
}

function isTime (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LATEST
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
