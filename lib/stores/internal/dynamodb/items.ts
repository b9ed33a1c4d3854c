import { assertText, fitsUtf8, wholeMilliseconds } from '../values.js'

/** Seconds. DynamoDB's clock may run ahead of the application's, whose deadlines these are. */
const ttlGrace = 60
/** DynamoDB takes 1024 bytes for a sort key. */
const longestId = 1000

const fitsKey = (text: unknown) => fitsUtf8(text) && Buffer.byteLength(text as string) <= longestId

/** Of a session. */
export function recordKey (id: string) {
  assertText(fitsKey, { id })
  return { pk: { S: `id:${id}` }, sk: { S: 'record' } }
}

/** Of an entry: that this session is the subject's. */
export const entryKey = (tag: string, id: string) => ({ pk: { S: `subject:${tag}` }, sk: { S: `id:${id}` } })
/** Of the sort key of an entry. */
export const idOf = (sortKey = '') => sortKey.slice('id:'.length)

export const now = () => ({ N: String(Date.now()) })

/** The deadline, and the second from which on DynamoDB may remove the item. */
export function times (expiresAt: number) {
  const deadline = wholeMilliseconds(expiresAt)
  return { expiresAt: { N: String(deadline) }, expires: { N: String(Math.ceil(deadline / 1000) + ttlGrace) } }
}
