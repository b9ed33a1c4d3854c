/** Whose code it is, in the order of the table. */
export const owners = /** @type {const} */ (['sockets', 'Node', 'Fastify', 'driver', 'seal', 'Zod', 'session', 'collector', 'rest'])

const SOCKET = /^(?:write(?:Utf8String|Latin1String|AsciiString|Buffer|v)|readStart|readStop|shutdown|close)$/
/** @type {readonly (readonly [typeof owners[number], RegExp])[]} */
const PACKAGES = [
  ['driver', /^(?:ioredis|@ioredis\/.*|redis|@redis\/.*|redis-parser|redis-errors|denque|standard-as-callback)$/],
  ['seal', /^libsodium/],
  ['Zod', /^zod$/],
  ['session', /^lru-cache$/]
]

/**
 * Whose function it is. `session`: that of the subject itself, whether a package or some lines of ours in `src/`.
 *
 * @param {{ functionName: string, url: string }} frame
 * @returns {typeof owners[number]}
 */
export function ownerOf ({ functionName, url }) {
  if (functionName === '(garbage collector)') return 'collector'
  if (url.startsWith('wasm:')) return 'seal'
  if (url === '') return SOCKET.test(functionName) ? 'sockets' : 'rest'
  if (url.startsWith('node:')) return 'Node'
  const name = [...url.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].at(-1)?.[1]
  if (name === undefined) return 'session'
  return PACKAGES.find(([, pattern]) => pattern.test(name))?.[0] ?? 'Fastify'
}
