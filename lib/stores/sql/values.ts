const loneSurrogate = /\p{Surrogate}/u
const loneSurrogateOrNul = /[\0\p{Surrogate}]/u

/** Whether it is text that UTF-8 can carry. A lone surrogate would come back as U+FFFD. */
export const fitsUtf8 = (text: unknown) => typeof text === 'string' && !loneSurrogate.test(text)

/** Whether it is text that a `text` column of PostgreSQL can carry: UTF-8 without NUL. */
export const fitsText = (text: unknown) => typeof text === 'string' && !loneSurrogateOrNul.test(text)

/** What a write rejects with when the text would be altered on its way. */
export const unstorable = (what: string) =>
  new TypeError(`The session store cannot keep this ${what} exactly: it is too long, or has a character that the database has not`)

/** A deadline as a whole number of milliseconds. Throws a `TypeError` for what no integer column can hold. */
export function wholeMilliseconds (expiresAt: number): number {
  const whole = Math.floor(expiresAt)
  if (!Number.isSafeInteger(whole)) throw new TypeError('The session store needs a deadline in milliseconds since the epoch')
  return whole
}
