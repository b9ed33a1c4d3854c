import type { SessionPolicy } from '../../types/index.js'
import type { Timeout } from '../record/timeouts.js'
import type { Settings } from './options.js'

/** The settings as `app.sessions.policy()` shows them: seconds, and nothing secret. */
export function describeSettings (settings: Settings, keyIds: readonly string[], deviceBound: boolean): SessionPolicy {
  const { name, rotateOn, version, onInvalid, onStoreError, cookie } = settings
  return Object.freeze({
    name,
    backend: settings.store === null ? 'cookie' : 'store',
    cookie: Object.freeze({ ...cookie.policy }),
    idleTimeout: secondsOf(settings.idle),
    absoluteTimeout: secondsOf(settings.absolute),
    touchAfter: Number.isFinite(settings.touchAfter) ? settings.touchAfter / 1000 : null,
    rotateOn,
    subject: settings.subject !== null,
    rotateEvery: settings.rotateEvery / 1000,
    rotationGrace: settings.grace / 1000,
    version,
    onInvalid,
    onStoreError,
    storeTimeout: settings.storeTimeout / 1000,
    maxPerSubject: settings.maxPerSubject,
    overLimit: settings.overLimit,
    revocations: settings.revocations !== null,
    revocationStaleness: settings.revocationStaleness / 1000,
    deviceBound,
    keyIds: Object.freeze([...keyIds])
  })
}

/** `null`: a function of the data. */
function secondsOf ({ usual, ask }: Timeout): number | null {
  return ask === null ? usual / 1000 : null
}
