import t from 'tap'
import fc from 'fast-check'
import { decodeBase64url } from '../../../lib/tokens/base64url.js'

/** What the decoder stands for: bytes are taken if the text comes out of them again. */
function reference (text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}
const agrees = (text: string) => {
  const expected = reference(text)
  const found = decodeBase64url(text)
  return expected === null ? found === null : found?.equals(expected) === true
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const JUNK = ['=', '==', '.', ' ', '\n', '\0', '+', '/', '%3D', '\x7f', '\x80', 'é', '\xff', 'Ł', 'ā', '\u2041', '\ufeff', '１', '😀', '\ud800']

t.test('text is taken if, and only if, it is what an encoder writes', async (t) => {
  const characters = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...ALPHABET) }, { weight: 1, arbitrary: fc.constantFrom(...JUNK) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 1 }) })
  const text = fc.array(characters, { maxLength: 60 }).map((parts) => parts.join(''))
  fc.assert(fc.property(text, agrees), { numRuns: 5_000 })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeBase64url(Buffer.from(bytes).toString('base64url'))?.equals(bytes) === true))
  t.pass()
})

t.test('every text of up to two characters, and every end and every intruder of a longer one', async (t) => {
  const wrong: string[] = []
  const check = (text: string) => { if (!agrees(text)) wrong.push(text) }
  const all = [...Array(128).keys()].map((code) => String.fromCharCode(code)).concat(JUNK)
  for (const first of ['', ...all]) for (const second of all) check(first + second)
  for (const start of ['', 'AAAA', 'Zz-_09AZ']) for (const one of ALPHABET) for (const two of ALPHABET) for (const end of [one, one + two, `A${one}${two}`]) check(start + end)
  for (let length = 0; length < 9; length++) for (let at = 0; at <= length; at++) for (const junk of all) check('QUJDREVGR'.slice(0, at) + junk + 'QUJDREVGR'.slice(at, length))
  t.strictSame(wrong, [])
})
