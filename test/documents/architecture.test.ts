import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../support/root.js'

/** Highest first: a file imports from its own room or from a lower one. The files of `lib/` itself are the doors. */
const ROOMS = [
  'doors', 'adopt', 'command', 'conformance', 'device-bound', 'inspector', 'plugin', 'sockets', 'request', 'http', 'guards', 'options', 'schema', 'session', 'backends', 'tokens', 'record', 'values', 'diagnostics', 'async'
] as const
/** Below every room, beside `types/`: these import nothing of `lib/`. */
const GROUND = ['lib/errors', 'lib/store-shape', 'lib/async/queue']
const MOST_FILES = 15
const MOST_LINES = 200
const MOST_LINES_OF_A_FUNCTION = 40

interface Import { readonly from: string, readonly to: string, readonly typeOnly: boolean }

const files = [...await sources('lib'), ...await sources('types')]
const texts = new Map(await Promise.all(files.map(async (file) => [file, await readFile(join(root, file), 'utf8')] as const)))
const imports = [...texts].flatMap(([file, text]) => importsOf(file, text))
const arrow = ({ from, to }: Import) => `${from} → ${to}`

t.test('types import nothing of lib, and declare no values', async (t) => {
  t.strictSame(imports.filter(({ from, to }) => from.startsWith('types/') && !to.startsWith('types/')).map(arrow), [])
  t.strictSame(imports.filter(({ from, typeOnly }) => from.startsWith('types/') && !typeOnly).map(arrow), [])
})

t.test('a store imports types, its own room and the ground, and nothing else of the package', async (t) => {
  const allowed = (to: string) => to.startsWith('types/') || to.startsWith('lib/stores/') || GROUND.includes(to)
  t.strictSame(imports.filter(({ from, to }) => from.startsWith('lib/stores/') && !allowed(to)).map(arrow), [])
  t.strictSame(imports.filter(({ from, to }) => GROUND.includes(from) && !to.startsWith('types/')).map(arrow), [])
})

t.test('nothing of the package imports a store: it is handed in', async (t) => {
  t.strictSame(imports.filter(({ from, to }) => to.startsWith('lib/stores/') && !from.startsWith('lib/stores/')).map(arrow), [])
})

t.test('every folder of lib is a room', async (t) => {
  const folders = new Set(files.filter((file) => file.startsWith('lib/')).map(roomOf))
  t.strictSame([...folders].filter((room) => room !== 'stores' && !(ROOMS as readonly string[]).includes(room)), [], 'write it into the list of this test')
})

t.test('arrows point down, from room to room', async (t) => {
  const ranked = imports.filter(({ from, to }) => [from, to].every((file) => rankOf(file) !== -1 && !GROUND.includes(file)))
  t.ok(ranked.length > 50, 'the imports were found')
  t.strictSame(ranked.filter(({ from, to }) => rankOf(from) > rankOf(to)).map(arrow).sort(), [])
})

t.test('no files import each other in a circle, types counted', async (t) => {
  t.strictSame(circles(imports), [])
})

t.test('only visit.ts assigns to a field of a visit', async (t) => {
  const assigned = [...texts].filter(([file]) => file !== 'lib/request/visit.ts')
    .flatMap(([file, text]) => [...text.matchAll(/\bvisit\)?\.[\w.]+ (?:=|\?\?=|[-+]=) .*|\bvisit\.\w+(?:\+\+|--)/gm)].map(([line]) => `${file}: ${line}`))
  t.strictSame(assigned, [])
})

t.test('the pure files do no input or output and know no framework', async (t) => {
  for (const file of ['lib/session/merge.ts', 'lib/record/record.ts', 'lib/record/sealed-form.ts', 'lib/record/payload.ts', 'lib/record/timeouts.ts']) {
    t.strictSame([...(texts.get(file) ?? '').matchAll(/from '([^.'][^']*)'/g)].map((match) => match[1]), [], file)
  }
})

t.test('a file can be read in one sitting, and a room in one afternoon', async (t) => {
  for (const [file, text] of texts) {
    const lines = text.split('\n').length - 1
    t.ok(lines <= MOST_LINES, `${file} has ${lines} lines`)
  }
  const folders = [...texts.keys()].map(dirname)
  for (const folder of new Set(folders)) t.ok(folders.filter((other) => other === folder).length <= MOST_FILES, folder)
})

t.test('a function can be seen at once', async (t) => {
  const functions = [...texts].flatMap(([file, text]) => functionsOf(file, text))
  t.ok(functions.length > 500, 'the functions were found')
  t.strictSame(functions.filter(({ lines }) => lines > MOST_LINES_OF_A_FUNCTION), [])
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

/** Every function with its lines, from the first of its head to its last brace; one inside another is counted in both. */
function functionsOf (file: string, text: string): Array<{ at: string, lines: number }> {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1
  const found: Array<{ at: string, lines: number }> = []
  const visit = (node: ts.Node): void => {
    const first = lineOf(node.getStart(source))
    if (ts.isFunctionLike(node)) found.push({ at: `${file}:${first}`, lines: lineOf(node.end) - first + 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function bare (file: string): string {
  return file.replace(/\.[jt]s$/, '')
}

function roomOf (file: string): string {
  const [, room = '', rest] = file.split('/')
  return rest === undefined ? 'doors' : room
}

function rankOf (file: string): number {
  return file.startsWith('lib/') ? (ROOMS as readonly string[]).indexOf(roomOf(file)) : -1
}

/** Tarjan: each set of files that reach each other. */
function circles (arrows: readonly Import[]): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file) as number)
    stack.push(file)
    for (const { to } of arrows.filter(({ from }) => from === file)) {
      if (!index.has(to)) visit(to)
      if (stack.includes(to)) low.set(file, Math.min(low.get(file) as number, low.get(to) as number))
    }
    if (low.get(file) !== index.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle.sort())
  }
  for (const { from } of arrows) if (!index.has(from)) visit(from)
  return found
}
