/** Where a value is: the keys and indexes that lead to it. */
export type Path = readonly PropertyKey[]

const SEGMENTS = 8
const SEGMENT_LENGTH = 64
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** `cart[0].qty`, `["number.setting"]`. Bounded, because keys of a record are data and cyclic data has endless paths. */
export function formatPath (path: Path): string {
  if (path.length === 0) return '(the data as a whole)'
  const text = path.slice(0, SEGMENTS).map(formatSegment).join('')
  const shown = text.startsWith('.') ? text.slice(1) : text
  return path.length > SEGMENTS ? `${shown}…` : shown
}

function formatSegment (segment: PropertyKey): string {
  if (typeof segment === 'number') return `[${segment}]`
  const name = String(segment)
  const short = name.length > SEGMENT_LENGTH ? `${name.slice(0, SEGMENT_LENGTH)}…` : name
  return IDENTIFIER.test(short) ? `.${short}` : `[${JSON.stringify(short)}]`
}
