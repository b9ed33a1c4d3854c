import type { JsonObject } from '../../types/json.js'
import { parseJson } from '../values/json.js'
import { type Device, readDevice } from './device.js'
import type { Card, Found, SessionRecord, Times } from './record.js'
import { isTime } from './time.js'

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

/** The payload a store keeps: JSON that an operator can read. */
export function writePayload (times: Times, stored: Found, card: Card | null = null, device: Device | null = null): string {
  return `{"version":${times.version},"createdAt":${times.createdAt},"usedAt":${times.usedAt}` +
    (times.authenticatedAt === 0 ? '' : `,"authenticatedAt":${times.authenticatedAt}`) +
    (times.rotatedAt === times.createdAt ? '' : `,"rotatedAt":${times.rotatedAt}`) +
    (times.persist === null ? '' : `,"persist":${times.persist}`) +
    (times.idle === 0 ? '' : `,"idle":${times.idle}`) +
    (times.absolute === 0 ? '' : `,"absolute":${times.absolute}`) +
    (times.adoptedUntil === 0 ? '' : `,"adoptedUntil":${times.adoptedUntil}`) +
    (card === null ? '' : writeCard(card)) +
    (device === null ? '' : `,"device":${JSON.stringify(device)}`) +
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
  const json = typeof payload === 'string' ? parseJson(payload) : undefined
  if (typeof json !== 'object' || json === null) return null
  const fields = json as Record<string, unknown>
  if (fields.ended === true) return { kind: 'ended' }
  if (typeof fields.movedTo === 'string') {
    return isTime(fields.at) ? { kind: 'moved', to: fields.movedTo, at: fields.at, final: fields.final !== false } : null
  }
  const times = readTimes(fields)
  const { data, extra = null, about = null, from = null, device: kept } = fields
  const device = kept === undefined ? null : readDevice(kept)
  // A binding that cannot be read is none that may be passed over.
  if (times === null || (kept !== undefined && device === null)) return null
  return { kind: 'session', times, found: { data, extra }, card: readCard(about, from), device }
}

function readTimes (fields: Record<string, unknown>): Times | null {
  const { version, createdAt, usedAt, authenticatedAt = 0, rotatedAt = createdAt, persist = null, idle = 0, absolute = 0, adoptedUntil = 0 } = fields
  if (!isTime(version) || !isTime(createdAt) || !isTime(usedAt) || !isTime(authenticatedAt) || !isTime(rotatedAt)) return null
  if (!isTime(idle) || !isTime(absolute) || !isTime(adoptedUntil) || (persist !== null && typeof persist !== 'boolean')) return null
  return { version, createdAt, usedAt, authenticatedAt, rotatedAt, persist, idle, absolute, adoptedUntil }
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
  const { notBefore } = Object(parseJson(payload)) as { notBefore?: unknown }
  return isTime(notBefore) ? notBefore : null
}
