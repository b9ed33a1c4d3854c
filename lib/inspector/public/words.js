const number = new Intl.NumberFormat('en')
const bytesOfText = new TextEncoder()

/** Bytes of a value as JSON. */
export const sizeOf = (value) => bytesOfText.encode(JSON.stringify(value)).length

export const count = (n, one, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`
export const bytes = (n) => n < 10_240 ? `${number.format(n)} B` : `${number.format(Math.round(n / 1024))} KiB`

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
export const time = (date) => clock.format(date)
/** The day is left out if it is today. */
export const moment = (date) => date.toDateString() === new Date().toDateString() ? time(date) : `${day.format(date)}, ${time(date)}`

const UNITS = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]]

/** Seconds as the two or three biggest units: `1 d 2 h 3 min`. */
export function span (seconds, most = 3) {
  let rest = Math.floor(seconds)
  const parts = UNITS.map(([unit, size]) => {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    return [amount, unit]
  })
  const first = parts.findIndex(([amount]) => amount > 0)
  if (first === -1) return '0 s'
  return parts.slice(first, first + most).filter(([amount], index) => amount > 0 || index === 0).map((part) => part.join(' ')).join(' ')
}

/** Why a cookie, a record or a change was not accepted. */
const REJECTED = {
  malformed: 'the cookie is no token',
  forged: 'the cookie was made or changed by somebody else',
  'unknown-key': 'the cookie was made with a secret that is not configured',
  'duplicate-cookie': 'there are several cookies of this name',
  unknown: 'there is no such session, it may have ended',
  expired: 'its time is over',
  'from-the-future': 'it began later than now',
  revoked: 'all sessions that had begun by then were ended',
  moved: 'the session has a new id',
  corrupt: 'the record cannot be read',
  'too-large': 'the record is bigger than maxSize',
  unbound: 'it is bound to another device, or the proof of this one is over',
  invalid: 'the data do not satisfy the schema',
  salvaged: 'keys that do not satisfy the schema were left out',
  'store-failed': 'the store does not answer',
  'changed-too-late': 'it was changed after it had been saved, and that is lost',
  'ended-elsewhere': 'the session had ended meanwhile'
}
const ROTATED = {
  privilege: 'a key of rotateOn has changed',
  requested: 'rotate(), regenerate() or reauthenticated() was called',
  periodic: 'it was due by rotateEvery'
}

/** Why a browser may send no cookie to the page. */
export function whyNoCookie ({ path, secure }, { isSecureContext, location: { pathname } }) {
  if (secure && !isSecureContext) return 'there is no cookie of it: browsers keep no secure cookie of a host that is served over plain http'
  if (!`${pathname}/`.startsWith(path.replace(/\/?$/, '/'))) return `its cookie does not come here: cookie.path is ${path}, and the option prefix of the inspector can be below that`
  return 'there is no cookie of it: nothing has been written to it yet, or it has ended'
}

export const whyRejected = (reason) => REJECTED[reason] ?? reason
export const whyRotated = (reason) => ROTATED[reason] ?? reason
