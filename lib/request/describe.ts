import type { JsonObject } from '../../types/index.js'
import { hookOf } from '../session/hooks.js'
import { isPromise } from '../async/promises.js'
import type { Visit } from './visit.js'

/** Characters: a few facts, not a second session. */
const MAX_LENGTH = 2_048

/** What the option `describe` says of this request. Whatever is wrong with it is in the log, and keeps nobody from signing in. */
export function describe ({ request, runtime: { settings } }: Visit): JsonObject | null {
  if (settings.describe === null) return null
  try {
    const about = hookOf.run(request, () => settings.describe?.(request))
    if (about === undefined || about === null) return null
    const promised = isPromise(about)
    const text = JSON.stringify(about)
    if (text.length > MAX_LENGTH) throw new RangeError(`describe gave ${text.length} characters of JSON, at most ${MAX_LENGTH} are kept`)
    const plain: unknown = JSON.parse(text)
    if (typeof plain !== 'object' || Array.isArray(plain) || promised) throw new TypeError('describe must give a JSON object, at once')
    return plain as JsonObject
  } catch (error) {
    request.log.error({ err: error }, 'a session could not be described')
    return null
  }
}
