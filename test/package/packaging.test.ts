import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { entries } from '../support/entries.js'
import { growCart, startFirstProgram } from '../support/first-program.js'
import { pack, run } from '../support/packed.js'
import { root } from '../support/root.js'
import { skipOrFail } from '../support/skip.js'

const packed = await pack()
t.teardown(() => packed.remove())

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>
  peerDependencies: Record<string, string>
}

const programs = Object.keys(entries).filter((entry) => entry !== './package.json')
const built = packed.files.filter((path) => /^dist\/.*\.js$/.test(path))

/** What lies beside the stores, and is nobody else's. */
const inside = ['internal/options', 'internal/sql/retry', 'adapters/tiered']

/** Asks for the page, and for everything that it or its scripts name. */
const INSPECTOR = `
  import Fastify from 'fastify'
  import { z } from 'zod'
  import session from 'fastify-typed-session'
  import inspector from 'fastify-typed-session/inspector'
  process.env.NODE_ENV = 'development'
  const app = Fastify()
  app.register(session, { schema: z.object({}), secret: process.argv[1] })
  app.register(inspector)
  const asked = new Set(['/.session'])
  for (const url of asked) {
    const { statusCode, body } = await app.inject(url)
    if (statusCode !== 200) throw new Error(url)
    for (const [, name] of body.matchAll(/(?:(?:src|href)="\\.\\/\\.session|from '\\.)\\/([\\w.]+)['"]/g)) asked.add('/.session/' + name)
  }
  if (asked.size < 8) throw new Error([...asked].join())`

t.test('the package holds what package.json points to', async (t) => {
  const targets = [...Object.values(entries).flatMap((target) => Object.values(target)), ...Object.values(manifest.bin)]
  t.strictSame(targets.filter((target) => !packed.files.includes(target.slice(2))), [])
})

t.test('the package holds sources for its source maps, its documents, and nothing else of the repository', async (t) => {
  const foreign = packed.files.filter((path) =>
    !/^(dist|lib|types)\//.test(path) && !/^(docs|benchmarks)\/.*\.(md|svg|png)$/.test(path) && !['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md'].includes(path))
  t.strictSame(foreign, [])
  const without = built.filter((path) => !path.startsWith('dist/lib/chunks/') && !packed.files.includes(path.replace(/^dist\//, '').replace(/\.js$/, '.ts')))
  t.strictSame(without, [], 'a compiled file whose source is gone is a leftover of an older build')
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']) t.ok(packed.files.includes(file), `has ${file}`)
})

t.test('every part of the sources is in the build once, whoever shares it', async (t) => {
  const sources = packed.files.filter((path) => /^lib\/.*\.ts$/.test(path))
  const [written, compiled] = await Promise.all([sources, built].map(async (paths) => {
    const texts = await Promise.all(paths.map(async (path) => await readFile(join(root, path), 'utf8')))
    return texts.flatMap((text) => partsOf(ts.createSourceFile('part.ts', text, ts.ScriptTarget.ES2022)))
  })) as [string[], string[]]
  const count = (parts: string[], kind: string) => parts.filter((part) => part === kind).length
  t.ok(count(written, 'class') > 30)
  t.equal(count(compiled, 'class'), count(written, 'class'))
  for (const kind of ['function', 'new']) t.ok(count(compiled, kind) <= count(written, kind), `${kind}: ${count(compiled, kind)} of ${count(written, kind)}`)
})

t.test('the check of the version of Zod, an import for its effect, is in the build', async (t) => {
  const texts = await Promise.all(built.map(async (path) => await readFile(join(root, path), 'utf8')))
  t.equal(texts.filter((text) => /^assertZod\(\w+\);$/m.test(text)).length, 1)
})

t.test('a process that imports the package reads few files of it', async (t) => {
  const read = new Set<string>()
  const follow = async (path: string) => {
    if (read.has(path)) return
    read.add(path)
    const imports = [...(await readFile(join(root, path), 'utf8')).matchAll(/^(?:import|export|\} from) ?(?:[^'"]* from )?["'](\.[^"']+)["'];$/gm)]
    for (const [, target = ''] of imports) await follow(join(path, '..', target))
  }
  await follow('dist/lib/index.js')
  t.ok(read.size > 3 && read.size <= 20, [...read].join())
})

t.test('every source map leads to sources that are in the package', async (t) => {
  const maps = packed.files.filter((path) => path.endsWith('.map'))
  t.ok(maps.length > 100)
  const missing = await Promise.all(maps.map(async (path) => {
    const { sources } = JSON.parse(await readFile(join(root, path), 'utf8')) as { sources: string[] }
    return sources.map((source) => join(path, '..', source)).filter((source) => !packed.files.includes(source))
  }))
  t.strictSame(missing.flat(), [])
})

t.test('npm shows where the package comes from, and publishes no version without its provenance', async (t) => {
  const home = 'https://github.com/fastify-typed-session/fastify-typed-session'
  t.match(manifest, { repository: { type: 'git', url: `git+${home}.git` }, homepage: `${home}#readme`, bugs: `${home}/issues`, publishConfig: { provenance: true } })
  t.ok((await readFile(join(root, 'SECURITY.md'), 'utf8')).includes(`<${home}/security/advisories/new>`), 'a vulnerability can be reported')
})

t.test('every document in the package finds what it links to there', async (t) => {
  const documents = packed.files.filter((path) => path.endsWith('.md'))
  t.ok(documents.includes('docs/stores.md'))
  for (const document of documents) {
    const links = [...(await readFile(join(root, document), 'utf8')).matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => join(document, '..', match[1] ?? ''))
    t.strictSame(links.filter((link) => !packed.files.includes(link)), [], document)
  }
})

t.test('every import that the README shows is exported', async (t) => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const shown = [...readme.matchAll(/['"`]fastify-typed-session(\/[\w/-]+)?['"`]/g)].map((match) => `.${match[1] ?? ''}`)
  t.ok(shown.length > 5)
  t.strictSame([...new Set(shown)].filter((entry) => !(entry in entries)), [])
})

t.test('publint has nothing to say', async (t) => {
  const { status, output } = await run('node', ['node_modules/publint/src/cli.js', packed.tarball, '--strict'])
  t.equal(status, 0, output)
})

t.test('the types resolve wherever ES modules do', async (t) => {
  const { status, output } = await run('node', ['node_modules/@arethetypeswrong/cli/dist/index.js', packed.tarball, '--profile', 'esm-only', '--no-emoji'])
  t.equal(status, 0, output)
})

t.test('installed into an empty folder', async (t) => {
  const folder = await packed.install('fastify', '@fastify/cookie', 'zod')
  const secret = (await run(join(folder, 'node_modules/.bin/fastify-typed-session'), ['keygen'])).output.trim()
  t.match(secret, /^[\w-]{43}$/, 'the command is installed, too')

  for (const { name, node } of nodes()) {
    t.test(name, async (t) => {
      if (!existsSync(node)) return skipOrFail(t, `${name} is not installed under .ci`)
      for (const program of ['app.mjs', 'app.cjs', 'entries.mjs']) {
        const { status, output } = await run(node, [`run/${program}`, secret], folder)
        t.equal(status, 0, output)
      }
      const { status, output } = await run(node, ['--input-type=module', '--eval',
        programs.map((entry) => `await import('fastify-typed-session${entry.slice(1)}')`).join('\n')], folder)
      t.equal(status, 0, `every export can be imported without any database driver\n${output}`)
      const closed = await run(node, ['--input-type=module', '--eval', inside.map((path) => `
        await import('fastify-typed-session/stores/${path}').then(() => { throw new Error('${path} is open') }, ({ code }) => {
          if (code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw new Error(code)
        })`).join('\n')], folder)
      t.equal(closed.status, 0, closed.output)
      const inspector = await run(node, ['--input-type=module', '--eval', INSPECTOR, secret], folder)
      t.equal(inspector.status, 0, `the page of the inspector is there with all its files\n${inspector.output}`)
    })
  }
})

t.test('the first program of the README runs with the lowest version of each peer', async (t) => {
  const lowest = Object.entries(manifest.peerDependencies).map(([name, range]) => [name, /^\^(\d+\.\d+\.\d+)$/.exec(range)?.[1]] as const)
  t.equal(lowest.length, 3)
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const floors = lowest.map(([name, version]) => {
    t.ok(readme.includes(`\`${name}\` (${version} or newer)`), `the README says so: ${name} ${version}`)
    return `${name}@${version}`
  })
  const folder = await packed.install(...floors)
  const program = await run('node', ['run/app.mjs', 'v3Qm1x0b7d8sKf2hZp4yTn6uWc9eRj5aLgXoBiDqHkM'], folder)
  t.equal(program.status, 0, program.output)
  await growCart(t, await startFirstProgram(t, folder))
})

/** The classes, functions and constructed objects in it, by their kind. */
function partsOf (node: ts.Node): string[] {
  const kind = ts.isClassLike(node) ? 'class' : ts.isNewExpression(node) ? 'new' : ts.isFunctionLike(node) && 'body' in node && node.body !== undefined ? 'function' : ''
  const inner: string[] = kind === '' ? [] : [kind]
  ts.forEachChild(node, (child) => { inner.push(...partsOf(child)) })
  return inner
}

/** This Node, and the others that CI puts under .ci. */
function nodes () {
  const others = [20, 22, 24, 26].map((major) => ({ name: `Node ${major}`, node: join(root, `.ci/node${major}/bin/node`), major }))
  return [{ name: `Node ${process.versions.node}`, node: process.execPath }, ...others]
}
