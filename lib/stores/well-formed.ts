/** For engines that keep UTF-8, in which two strings with different lone surrogates would be the same. */
export function wellFormed (text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('The store cannot keep a string with a lone surrogate')
  return text
}

/** The same for several strings, of which some may be left out. */
export function assertWellFormed (...texts: Array<string | undefined>): void {
  for (const text of texts) if (text !== undefined) wellFormed(text)
}
