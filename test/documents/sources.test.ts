import { readdirSync } from 'node:fs'
import t from 'tap'
import { readText } from '../support/documents.js'

const MAX_LINES = 250

const files = ['lib', 'types'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`))
const lines = files.flatMap((file) => readText(file).split('\n').map((text, at) => ({ file, text, place: `${file}:${at + 1} ${text.trim()}` })))

/** Where a pattern occurs. Whatever is looked for has to be found in a line that has it, or nothing is proved. */
function occurrences (pattern: RegExp, example: string, where = lines): string[] {
  if (!pattern.test(example)) throw new Error(`${pattern} does not find: ${example}`)
  return where.filter(({ text }) => pattern.test(text)).map(({ place }) => place)
}

t.test(`no file of lib has more than ${MAX_LINES} lines`, async (t) => {
  t.ok(files.length > 60)
  const long = files.map((file) => ({ file, length: readText(file).split('\n').length - 1 })).filter(({ length }) => length > MAX_LINES)
  t.strictSame(long, [])
})

t.test('nothing is left to be done', async (t) => {
  t.strictSame(occurrences(/\b(?:TODO|FIXME|XXX|HACK)\b/, '// TODO later'), [])
})

t.test('S-7.2.3: no id comes from Math.random or is a UUID; Math.random only spreads waits', async (t) => {
  t.strictSame(occurrences(/uuid/i, 'const id = randomUUID()'), [])
  const uses = occurrences(/\bMath\.random\b/, 'const id = Math.random()')
  t.strictSame(uses.filter((place) => !/\b(?:sleep|setTimeout)\(.*Math\.random/.test(place)), [])
})

t.test('S-7.2.3: random bytes come from one place', async (t) => {
  const random = occurrences(/\brandom(?:Bytes|FillSync|Fill|Int)\b|\bgetRandomValues\b/, 'randomFillSync(pool)')
  // Names of temporary files, and the ids that the tests of a store give it.
  const others = /^lib\/(?:stores\/internal\/file|conformance\/runner)/
  t.strictSame(random.filter((place) => !place.startsWith('lib/tokens/random.ts') && !others.test(place)), [])
  t.ok(random.some((place) => place.startsWith('lib/tokens/random.ts')))
})

t.test('S-11.2.4: no MAC is compared by ===, by equals() or by compare(), and none without timingSafeEqual', async (t) => {
  // What stores call a tag is no MAC.
  const core = lines.filter(({ file }) => file.startsWith('lib/') && !file.startsWith('lib/stores/'))
  const mac = '(?:\\w*[mM]ac|\\w*[tT]ag|digest|signature|given|expected)'
  t.strictSame(occurrences(new RegExp(`\\b${mac}(?:\\([^)]*\\))? ?[!=]==? |[!=]==? ${mac}\\b(?!\\.length)`), 'if (given === mac(body))', core), [])
  t.strictSame(occurrences(new RegExp(`\\b${mac}\\.(?:equals|compare)\\(|\\b(?:equals|compare)\\([^)]*\\b${mac}\\b`), 'given.equals(mac)', core), [])
  const keyed = files.filter((file) => /\bhmacSha256\(/.test(readText(file)) && /\bmac\b/.test(readText(file)))
  t.strictSame(keyed.filter((file) => !/\btimingSafeEqual\(/.test(readText(file))), [])
  t.ok(keyed.includes('lib/tokens/kinds.ts'))
})

t.test('the decisions are numbered, upwards and each number once', async (t) => {
  const numbers = [...readText('docs/decisions.md').matchAll(/^## (.*)$/gm)].map(([, title = '']) => Number(/^(\d+)\. /.exec(title)?.[1]))
  t.ok(numbers.length > 10)
  t.strictSame(numbers, [...new Set(numbers)].sort((one, other) => one - other))
})
