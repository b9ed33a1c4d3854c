import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import ts from 'typescript'
import { compile, firstProgram, isBuilt, schemaModule } from './support/block-program.js'
import { blocksOf, documents, readText, root } from './support/documents.js'

const blocks = documents.flatMap(blocksOf)
const programs = blocks.filter(({ language }) => language === 'ts')
const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }

t.setTimeout(300_000)

t.test('every block is TypeScript, which is compiled here, or a command', async (t) => {
  t.ok(programs.length > 10)
  t.strictSame(blocks.filter(({ language }) => !['ts', 'sh'].includes(language)).map(({ document, line, language }) => `${document}:${line} ${language}`), [])
})

t.test('every block compiles against what is published', async (t) => {
  if (!isBuilt) return t.fail('there is no dist: npm run build')
  for (const block of programs) t.strictSame(compile(block).problems, [], `${block.document}:${block.line}`)
})

t.test('a mistake in a block is found, in its line', async (t) => {
  const { problems } = compile({ ...firstProgram, code: firstProgram.code.replace('session.cart.push', 'session.crat.push') })
  const line = readText('README.md').split('\n').findIndex((text) => text.includes('session.cart.push')) + 1
  t.match(problems, [new RegExp(`^README.md:${line} Property 'crat' does not exist`)])
})

t.test('the blocks see the build and not the sources', async (t) => {
  const ours = compile(firstProgram).files.filter((file) => /^(?:dist|lib|types)\//.test(file.slice(root.length)))
  t.ok(ours.length > 5)
  t.strictSame(ours.filter((file) => !file.startsWith(join(root, 'dist'))), [])
})

t.test('the schema that other blocks import is the one of the first program', async (t) => {
  t.match(schemaModule, /export const schema = z\.object\(\{.*cart:.*\}\)\n\ndeclare module/s)
})

t.test('the first program does what it says: the cart grows', async (t) => {
  if (!isBuilt) return t.fail('there is no dist: npm run build')
  const { address, process } = await start(t.testdir())
  t.teardown(() => end(process))

  const first = await fetch(`${address}/cart/tea`, { method: 'POST' })
  t.strictSame(await first.json(), [{ sku: 'tea', qty: 1 }])
  const cookie = first.headers.getSetCookie().join().split(';', 1).join()
  t.match(cookie, /^__Host-Http-session=/, 'the name that the table of cookie options gives')

  const second = await fetch(`${address}/cart/tea`, { method: 'POST', headers: { cookie } })
  t.strictSame(await second.json(), [{ sku: 'tea', qty: 1 }, { sku: 'tea', qty: 1 }])
  t.strictSame(await (await fetch(`${address}/cart/milk`, { method: 'POST' })).json(), [{ sku: 'milk', qty: 1 }], 'somebody else has another cart')
})

t.test('every npm script that a document names exists', async (t) => {
  const inBenchmarks = JSON.parse(readText('benchmarks/package.json')) as { scripts: Record<string, string> }
  for (const document of documents) {
    const known = document.startsWith('benchmarks/') ? { ...scripts, ...inBenchmarks.scripts } : scripts
    const named = [...readText(document).matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '')
    t.strictSame(named.filter((name) => !Object.hasOwn(known, name)), [], document)
  }
})

/** In a folder of its own, with the packages that the README has installed, at a free port, with a secret made as it says. */
async function start (folder: string): Promise<{ address: string, process: ChildProcess }> {
  for (const name of ['fastify', '@fastify/cookie', 'zod']) link(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  link(root, join(folder, 'node_modules/fastify-typed-session'))
  const code = firstProgram.code.replace('await app.listen({ port: 3000 })', 'console.log(await app.listen({ port: 0 }))')
  const strips = 'typescript' in process.features && process.features.typescript !== false
  const file = join(folder, strips ? 'app.mts' : 'app.mjs')
  writeFileSync(file, strips ? code : ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }).outputText)

  const SESSION_SECRET = execFileSync(process.execPath, [join(root, 'dist/lib/cli.js'), 'keygen'], { encoding: 'utf8' }).trim()
  // tap hooks into the Node programs it sees started: `env -u` keeps it out.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file], { env: { ...process.env, SESSION_SECRET }, stdio: ['ignore', 'pipe', 'inherit'] })
  const [address] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => Promise.reject(new Error('it ended')))]) as [string]
  return { address, process: child }
}

async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'exit')
}

function link (target: string, path: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(target, path)
}
