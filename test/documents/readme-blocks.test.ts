import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compile, firstProgram, hasNewestTypes, isBuilt, schemaModule } from '../support/block-program.js'
import { blocksOf, documents, readText } from '../support/documents.js'
import { root } from '../support/root.js'
import { skipOrFail } from '../support/skip.js'
import { growCart, startFirstProgram } from '../support/first-program.js'

const blocks = documents.flatMap(blocksOf)
// Those of docs/where-it-runs.md are compiled where their packages are: test/package/where-it-runs.test.ts.
const programs = blocks.filter(({ document, language }) => language === 'ts' && document !== 'docs/where-it-runs.md')
const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }

t.test('every block is TypeScript, which is compiled here, a command, or a diagram', async (t) => {
  t.ok(programs.length > 10)
  t.strictSame(blocks.filter(({ language }) => !['ts', 'sh', 'mermaid'].includes(language)).map(({ document, line, language }) => `${document}:${line} ${language}`), [])
})

t.test('every block compiles against what is published', async (t) => {
  if (!isBuilt) return t.fail('there is no dist: npm run build')
  const { problems, files } = await compile(t, programs)
  t.strictSame(problems, [])
  const ours = files.filter((file) => /^(?:dist|lib|types)\//.test(file.slice(root.length)))
  t.ok(ours.length > 5)
  t.strictSame(ours.filter((file) => !file.startsWith(join(root, 'dist'))), [], 'they see the build and not the sources')
})

t.test('every block that imports a module of Node compiles with the newest types of Node, too', async (t) => {
  if (!hasNewestTypes) return skipOrFail(t, 'types-node-newest is not installed (npm ci)')
  const ofNode = programs.filter(({ code }) => code.includes("from 'node:"))
  t.ok(ofNode.length > 5)
  const { problems, files } = await compile(t, ofNode, 'newest')
  t.strictSame(problems, [])
  t.ok(files.some((file) => file.includes('/types-node-newest/')))
  t.strictSame(files.filter((file) => /(?<!\/types-node-newest)\/node_modules\/(?:@types\/node|undici-types)\//.test(file)), [], 'none is of the older types')
})

t.test('a mistake in a block is found, in its line', async (t) => {
  const { problems } = await compile(t, [{ ...firstProgram, code: firstProgram.code.replace('session.cart.push', 'session.crat.push') }])
  const line = readText('README.md').split('\n').findIndex((text) => text.includes('session.cart.push')) + 1
  t.match(problems, [new RegExp(`^README.md:${line} Property 'crat' does not exist`)])
})

t.test('the schema that other blocks import is the one of the first program', async (t) => {
  t.match(schemaModule, /export const schema = z\.object\(\{.*cart:.*\}\)\n\ndeclare module/s)
})

t.test('the first program does what it says: the cart grows', async (t) => {
  if (!isBuilt) return t.fail('there is no dist: npm run build')
  const folder = t.testdir()
  for (const name of ['fastify', '@fastify/cookie', 'zod']) link(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  link(root, join(folder, 'node_modules/fastify-typed-session'))
  await growCart(t, await startFirstProgram(t, folder))
})

t.test('every npm script that a document names exists', async (t) => {
  const inBenchmarks = JSON.parse(readText('benchmarks/package.json')) as { scripts: Record<string, string> }
  for (const document of documents) {
    const known = document.startsWith('benchmarks/') ? { ...scripts, ...inBenchmarks.scripts } : scripts
    const named = [...readText(document).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '')
    t.strictSame(named.filter((name) => !Object.hasOwn(known, name)), [], document)
  }
})

function link (target: string, path: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(target, path)
}
