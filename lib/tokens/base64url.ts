const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * The bytes that `text` is the only base64url of, or `null`. Node's decoder takes more. It skips characters that it does not
 * know, which leaves too few bytes. It takes `+` and `/`, may see only the low bits of a character beyond ASCII, and ignores spare
 * bits. To write the bytes again and compare would take twice as long.
 */
export function decodeBase64url (text: string): Buffer | null {
  const rest = text.length % 4
  const bytes = Buffer.from(text, 'base64url')
  const isWhole = rest !== 1 && bytes.length === Math.floor(text.length * 3 / 4)
  if (!isWhole || Buffer.byteLength(text) !== text.length || text.includes('+') || text.includes('/')) return null
  const spare = rest === 2 ? 15 : rest === 3 ? 3 : 0
  return spare === 0 || (ALPHABET.indexOf(text.at(-1)!) & spare) === 0 ? bytes : null
}
