/** The most that a `Date` can hold on either side of 1970, in milliseconds. */
const farthest = 8.64e15

/** Whether it is text that UTF-8 can carry. A lone surrogate would come back as U+FFFD, the same for all of them. */
export const fitsUtf8 = (text: unknown) => typeof text === 'string' && text.isWellFormed()

/** Whether it is text that a `text` column of PostgreSQL can carry: UTF-8 without NUL. */
export const fitsText = (text: unknown) => typeof text === 'string' && text.isWellFormed() && !text.includes('\0')

/** The error of a write whose text would be altered on its way. */
export const unstorable = (what: string) =>
  new TypeError(`The session store cannot keep this ${what} exactly: it is empty, too long, or has a character that the database has not`)

/** Throws `unstorable` for the first text that does not fit. `undefined` fits. */
export function assertText (fits: (text: unknown) => boolean, texts: Readonly<Record<string, string | undefined>>): void {
  for (const [what, text] of Object.entries(texts)) if (text !== undefined && !fits(text)) throw unstorable(what)
}

/** A deadline as a whole number of milliseconds. Throws a `TypeError` for what is no time. */
export function wholeMilliseconds (expiresAt: number): number {
  const whole = Math.floor(expiresAt)
  if (!(Math.abs(whole) <= farthest)) throw new TypeError('The session store needs a deadline in milliseconds since the epoch')
  return whole
}
