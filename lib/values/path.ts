/** Where a value is: the keys and indexes that lead to it. */
export type Path = readonly PropertyKey[]

const SEGMENTS = 8
const SEGMENT_LENGTH = 64
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/**
 * `cart[0].qty`, `["number.setting"]`. Keys of a record are data, so below the top only `names` are written out, if they are
 * given: `votes[…]`. Bounded, because cyclic data has endless paths.
 */
export function formatPath (path: Path, names?: ReadonlySet<string>): string {
  if (path.length === 0) return '(the data as a whole)'
  const isShown = (segment: PropertyKey, depth: number) => depth === 0 || names === undefined || typeof segment === 'number' || names.has(String(segment))
  const text = path.slice(0, SEGMENTS).map((segment, depth) => isShown(segment, depth) ? formatSegment(segment) : '[…]').join('')
  const shown = text.startsWith('.') ? text.slice(1) : text
  return path.length > SEGMENTS ? `${shown}…` : shown
}

/** Several, in a row. */
export const formatPaths = (paths: readonly Path[], names?: ReadonlySet<string>): string => paths.map((path) => formatPath(path, names)).join(', ')

/** The same for a key that the schema does not know: it is what the message is about. */
export function formatUnknownKey (path: Path, names: ReadonlySet<string>): string {
  return formatPath(path, new Set(names).add(String(path.at(-1))))
}

function formatSegment (segment: PropertyKey): string {
  if (typeof segment === 'number') return `[${segment}]`
  const name = String(segment)
  const short = name.length > SEGMENT_LENGTH ? `${name.slice(0, SEGMENT_LENGTH)}…` : name
  return IDENTIFIER.test(short) ? `.${short}` : `[${JSON.stringify(short)}]`
}
