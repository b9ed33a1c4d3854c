import { createHash } from 'node:crypto'
import { assertText, fitsUtf8, wholeMilliseconds } from '../values.js'

/** The contents of one session file. */
export interface FileRecord {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly subject: string | undefined
  readonly payload: string
}

/**
 * A session file is two lines and the payload:
 *
 * ```text
 * fastify-typed-session 1 <SHA-256 of all that follows, 64 hexadecimal digits>
 * {"id":"…","expiresAt":…,"subject":"…","length":<bytes of the payload>}
 * <payload>
 * ```
 */
const magic = 'fastify-typed-session 1 '
const firstLineLength = magic.length + 64 + 1

export function encode ({ id, expiresAt, subject, payload }: FileRecord): Buffer {
  assertText(fitsUtf8, { payload })
  const header = JSON.stringify({ id, expiresAt: wholeMilliseconds(expiresAt), subject, length: Buffer.byteLength(payload) })
  const rest = Buffer.from(`${header}\n${payload}`)
  return Buffer.concat([Buffer.from(`${magic}${checksum(rest)}\n`), rest])
}

/** `null` for a file that `encode` did not write, or not to its end. */
export function decode (file: Buffer): FileRecord | null {
  if (!isOurs(file)) return null
  const rest = file.subarray(firstLineLength)
  if (file.toString('latin1', magic.length, firstLineLength) !== `${checksum(rest)}\n`) return null
  const end = rest.indexOf('\n')
  const header = parseHeader(rest.toString('utf8', 0, Math.max(end, 0)))
  const payload = rest.subarray(end + 1)
  if (header === null || header.length !== payload.length) return null
  const { id, expiresAt, subject } = header
  return { id, expiresAt, subject, payload: payload.toString() }
}

/** Whether the file begins as ours do; it may be torn all the same. */
export function isOurs (file: Buffer): boolean {
  return file.toString('latin1', 0, magic.length) === magic
}

type Header = Omit<FileRecord, 'payload'> & { readonly length: number }

/** The checksum finds accidents. Somebody who writes a file with a right one may still put anything in its header. */
function parseHeader (text: string): Header | null {
  try {
    const header: Partial<Header> | null = JSON.parse(text)
    return header !== null && typeof header.id === 'string' && typeof header.expiresAt === 'number' &&
      typeof header.length === 'number' && (header.subject === undefined || typeof header.subject === 'string')
      ? header as Header
      : null
  } catch {
    return null
  }
}

function checksum (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
