import { parseJson } from '../values/json.js'
import type { SessionRecord, Stored, Times } from './record.js'

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
  const json = parseJson(body.toString('utf8', length))
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
