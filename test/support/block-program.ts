import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Block, blocksOf } from './documents.js'
import { run } from './packed.js'
import { root } from './root.js'

const compilerOptions = {
  target: 'es2022',
  lib: ['es2023'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: true,
  types: ['node'],
  noEmit: true
}

/** The README's first program, the one that a stranger copies. */
export const firstProgram = blocksOf('README.md').find(({ language }) => language === 'ts') as Block

/**
 * What the blocks import as './schema.js': the schema and the declaration of the first program. It imports the package
 * because TypeScript can only augment a module that something imports; in an application that is what registers the plugin.
 */
export const schemaModule = `import type {} from 'fastify-typed-session'\nimport { z } from 'zod'\n\nexport ${/^const schema = .*?^declare module.*?^\}/ms.exec(firstProgram.code)?.[0]}\n`

/**
 * What the blocks of a document import as './app.js': its first program, which exports its `app` (the README) or its
 * `buildApp` (a guide) and does not listen.
 */
export function appModule (document: string): string {
  const { code } = blocksOf(document).find(({ language }) => language === 'ts') as Block
  return code.replace(/^await .*\.listen\(.*\)\n/m, '').replace(/^const app = /m, 'export const app = ')
}

export const isBuilt = existsSync(join(root, 'dist/lib/index.d.ts'))

/** What `npm install @types/node` gives a stranger today. Ours are those of the oldest Node. */
const newestTypes = join(root, 'node_modules/types-node-newest')
export const hasNewestTypes = existsSync(newestTypes)

interface Compiled {
  /** As `document:line message`. */
  readonly problems: readonly string[]
  /** All that were read, for all programs. */
  readonly files: readonly string[]
}

/**
 * What TypeScript says about blocks, each a file of its own, in a folder of the test. There the package's own name means its
 * build. One process checks all programs, so it parses what they share once.
 */
export async function compile (t: Pick<Test, 'testdir' | 'fixture'>, blocks: readonly Block[], typesOfNode: 'ours' | 'newest' = 'ours'): Promise<Compiled> {
  const programs = groups(blocks).map(filesOf)
  // Here a package of types is looked for first, also for the packages that refer to it.
  const options = typesOfNode === 'ours' ? compilerOptions : { ...compilerOptions, typeRoots: ['../types'] }
  const folders = Object.fromEntries(programs.map((files, index) =>
    [String(index), { 'tsconfig.json': JSON.stringify({ compilerOptions: options, files: Object.keys(files) }), ...files }]))
  const references = Object.keys(folders).map((path) => ({ path }))
  const folder = t.testdir({ 'tsconfig.json': JSON.stringify({ files: [], references }), types: { node: t.fixture('symlink', newestTypes) }, ...folders })
  const tsc = join(root, 'node_modules/ts7/bin/tsc')
  const { status, output } = await run(process.execPath, [tsc, '--build', '--singleThreaded', '--listFiles', '--pretty', 'false'], folder)
  const lines = output.trimEnd().split('\n')
  const files = lines.filter((line) => line.startsWith('/'))
  const problems = lines.filter((line) => !line.startsWith('/')).map(inDocument)
  if (status !== 0 && problems.length === 0) throw new Error(`the compiler ended with ${status}`)
  return { problems, files }
}

/** A block that declares its session, or the application beside it does, is a program alone; the others are of two kinds. */
function groups (blocks: readonly Block[]): Block[][] {
  const declares = blocks.filter(({ code }) => /^declare module|from '\.\/app\.js'/m.test(code))
  const makes = blocks.filter((block) => !declares.includes(block) && block.code.includes('createSession('))
  const others = blocks.filter((block) => !declares.includes(block) && !makes.includes(block))
  return [...declares.map((block) => [block]), makes, others].filter((group) => group.length > 0)
}

/** The files of a program by their names. A block begins in the line that it has in its document. */
function filesOf (blocks: readonly Block[]): Record<string, string> {
  const files = Object.fromEntries(blocks.map(({ document, line, code }) => [`${document.replaceAll('/', '+')}+${line}.ts`, '\n'.repeat(line - 1) + code]))
  const [{ document, code } = firstProgram] = blocks
  if (code.includes("from './app.js'")) return { ...files, 'app.ts': appModule(document) }
  // Blocks that declare no session are files of an application that has declared one.
  return /^declare module|createSession\(/m.test(code) ? files : { ...files, 'schema.ts': schemaModule }
}

function inDocument (problem: string): string {
  return problem.replace(/^\d+\/(.*)\+\d+\.ts\((\d+),\d+\): error TS\d+:/, (_, document: string, line) => `${document.replaceAll('+', '/')}:${line}`)
}
