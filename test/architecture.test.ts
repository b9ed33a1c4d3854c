import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

// Highest first: a file imports from its own layer or from a lower one.
const layers: Record<string, readonly string[]> = {
  entry: ['index', 'handle', 'require-session', 'require-recent', 'session-socket', 'discriminant', 'testing', 'cli', 'conformance', 'conformance/*'],
  request: ['plugin', 'sessions', 'visit', 'commit', 'plan', 'draft', 'response', 'runtime', 'setup', 'look-back', 'held-visits', 'records', 'working-copy', 'controls',
    'sweeper', 'route-options', 'admission', 'describe', 'subjects', 'open-sockets'],
  session: ['options', 'policy', 'cookie-options', 'option-error', 'session', 'lifecycle', 'merge', 'opening', 'hooks', 'public-handle', 'backends/*'],
  coding: ['codec', 'codecs', 'initial', 'schema', 'schema-*', 'shared', 'storable', 'sync', 'transcoder', 'undeclared', 'run', 'round-trip',
    'keyring', 'hmac', 'xaes', 'secrets', 'random', 'remembered', 'cookie'],
  record: ['record', 'errors', 'deadline', 'json', 'path', 'answer', 'snapshot', 'store-shape', 'turns']
}
const order = Object.keys(layers)

/** What stores and the plugin have in common: none of these imports anything. */
const common = ['lib/errors', 'lib/store-shape', 'lib/turns']

interface Import { readonly from: string, readonly to: string, readonly typeOnly: boolean }

const files = [...await sources('lib'), ...await sources('types')]
const texts = new Map(await Promise.all(files.map(async (file) => [file, await readFile(join(root, file), 'utf8')] as const)))
const imports = [...texts].flatMap(([file, text]) => importsOf(file, text))
const arrow = ({ from, to }: Import) => `${from} → ${to}`

t.test('types import nothing of lib, and declare no values', async (t) => {
  t.strictSame(imports.filter(({ from, to }) => from.startsWith('types/') && !to.startsWith('types/')).map(arrow), [])
  t.strictSame(imports.filter(({ from, typeOnly }) => from.startsWith('types/') && !typeOnly).map(arrow), [])
})

t.test('a store imports types, other files of the stores and the few that it has in common with the plugin, and nothing else of the package', async (t) => {
  const allowed = (to: string) => to.startsWith('types/') || to.startsWith('lib/stores/') || common.includes(to)
  t.strictSame(imports.filter(({ from, to }) => from.startsWith('lib/stores/') && !allowed(to)).map(arrow), [])
  t.strictSame(imports.filter(({ from }) => common.includes(from)).map(arrow), [])
})

t.test('nothing of the package imports a store: it is handed in', async (t) => {
  t.strictSame(imports.filter(({ from, to }) => to.startsWith('lib/stores/') && !from.startsWith('lib/stores/')).map(arrow), [])
})

t.test('every file of lib has a layer', async (t) => {
  const core = files.map(bare).filter((file) => file.startsWith('lib/') && !file.startsWith('lib/stores/'))
  t.strictSame(core.filter((file) => layerOf(file) === -1), [], 'write it into the table of this test')
})

t.test('arrows point down: plugin → options, session, lifecycle, backends → codec, keyring, cookie → record, errors → types', async (t) => {
  const ranked = imports.filter(({ from, to }) => layerOf(from) !== -1 && layerOf(to) !== -1)
  t.ok(ranked.length > 50, 'the imports were found')
  t.strictSame(ranked.filter(({ from, to }) => layerOf(from) > layerOf(to)).map(arrow), [])
})

t.test('the pure files do no input or output and know no framework', async (t) => {
  for (const file of ['lib/lifecycle.ts', 'lib/merge.ts', 'lib/record.ts']) {
    t.strictSame([...(texts.get(file) ?? '').matchAll(/from '([^.'][^']*)'/g)].map((match) => match[1]), [], file)
  }
})

t.test('a file can be read in one sitting', async (t) => {
  for (const [file, text] of texts) {
    const lines = text.split('\n').length - 1
    if (lines > 200) t.comment(`${file} has ${lines} lines`)
    t.ok(lines <= 400, `${file} has ${lines} lines`)
  }
})

async function sources (folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true })
  return entries.filter((entry) => entry.endsWith('.ts')).map((entry) => `${folder}/${entry}`)
}

function importsOf (file: string, text: string): Import[] {
  return [...text.matchAll(/^(?:import|export)\b(?<what>[^'"]*?)\bfrom '(?<target>\.[^']+)'/gm)].map(({ groups = {} }) => ({
    from: bare(file),
    to: bare(relative(root, join(root, dirname(file), groups.target ?? ''))),
    typeOnly: /^\s*type\b/.test(groups.what ?? '')
  }))
}

function bare (file: string): string {
  return file.replace(/\.[jt]s$/, '')
}

function layerOf (file: string): number {
  const name = file.replace(/^lib\//, '')
  const matches = (pattern: string) => pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
  return file.startsWith('lib/') ? order.findIndex((layer) => layers[layer]?.some(matches)) : -1
}
