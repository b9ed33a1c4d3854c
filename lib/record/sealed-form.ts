import { parseJson } from '../values/json.js'
import type { SessionRecord, Stored, Times } from './record.js'

const HEADER = 37
const ROTATED = 1
const IDLE = 2
const ABSOLUTE = 4
const EXTRA = 8
const PERSISTENT = 16
const TRANSIENT = 32

/** The id in a self-contained record, and the record. */
export interface SealedRecord { readonly sid: Buffer, readonly record: SessionRecord }

/**
 * `sid[16] ‖ createdAt ‖ usedAt ‖ authenticatedAt (u48 each) ‖ version u16 ‖ flags u8 ‖ [rotatedAt] ‖ [idle] ‖ [absolute] (u48 each) ‖ JSON`.
 * A flag says which of the three are there, what `persist()` said, and whether the JSON is `[data, extra]`.
 */
export function writeSealed (sid: Buffer, times: Times, stored: Stored): Buffer {
  const json = JSON.stringify(stored.extra === null ? stored.data : [stored.data, stored.extra])
  const flags = (times.rotatedAt === times.createdAt ? 0 : ROTATED) | (times.idle === 0 ? 0 : IDLE) | (times.absolute === 0 ? 0 : ABSOLUTE) |
    (stored.extra === null ? 0 : EXTRA) | (times.persist === null ? 0 : times.persist ? PERSISTENT : TRANSIENT)
  const length = lengthOf(flags)
  const body = Buffer.allocUnsafe(length + Buffer.byteLength(json))
  sid.copy(body, 0)
  body.writeUIntBE(times.createdAt, 16, 6)
  body.writeUIntBE(times.usedAt, 22, 6)
  body.writeUIntBE(times.authenticatedAt, 28, 6)
  body.writeUInt16BE(times.version, 34)
  body[36] = flags
  let at = HEADER
  if (flags & ROTATED) at = body.writeUIntBE(times.rotatedAt, at, 6)
  if (flags & IDLE) at = body.writeUIntBE(times.idle, at, 6)
  if (flags & ABSOLUTE) body.writeUIntBE(times.absolute, at, 6)
  body.write(json, length)
  return body
}

/** `null` for what `writeSealed` did not write. */
export function readSealed (body: Buffer): SealedRecord | null {
  if (body.length < HEADER) return null
  const flags = body[36] as number
  const length = lengthOf(flags)
  if (flags > 63 || body.length < length) return null
  const json = parseJson(body.toString('utf8', length))
  if (json === undefined || (flags & EXTRA && !Array.isArray(json))) return null
  const found = flags & EXTRA ? { data: (json as unknown[])[0], extra: (json as unknown[])[1] } : { data: json, extra: null }
  return { sid: Buffer.from(body.subarray(0, 16)), record: { kind: 'session', times: readTimes(body, flags), found, card: null, device: null } }
}

function readTimes (body: Buffer, flags: number): Times {
  const createdAt = body.readUIntBE(16, 6)
  const idleAt = HEADER + (flags & ROTATED ? 6 : 0)
  const absoluteAt = idleAt + (flags & IDLE ? 6 : 0)
  return {
    version: body.readUInt16BE(34),
    createdAt,
    usedAt: body.readUIntBE(22, 6),
    authenticatedAt: body.readUIntBE(28, 6),
    rotatedAt: flags & ROTATED ? body.readUIntBE(HEADER, 6) : createdAt,
    persist: flags & PERSISTENT ? true : flags & TRANSIENT ? false : null,
    idle: flags & IDLE ? body.readUIntBE(idleAt, 6) : 0,
    absolute: flags & ABSOLUTE ? body.readUIntBE(absoluteAt, 6) : 0,
    adoptedUntil: 0
  }
}

function lengthOf (flags: number): number {
  return HEADER + (flags & ROTATED ? 6 : 0) + (flags & IDLE ? 6 : 0) + (flags & ABSOLUTE ? 6 : 0)
}
