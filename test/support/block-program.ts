import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { type Block, blocksOf } from './documents.js'
import { root } from './root.js'

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: true,
  types: ['node'],
  noEmit: true
}

// No such files exist. Here, because that is where the package's own name means its build.
const folder = join(root, 'docs')
const schemaPath = join(folder, 'schema.ts')
const appPath = join(folder, 'app.ts')

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
const ownTypes = join(root, 'node_modules/@types/node')
const inNewest = (path: string) => path.startsWith(ownTypes) ? newestTypes + path.slice(ownTypes.length) : path
const asItIs = (path: string) => path

const parsed = new Map<string, ts.SourceFile | undefined>()

/** What TypeScript says about blocks, as `document:line message`, and the files that it read. Each block is a file of its own. */
export function compile (...blocks: readonly Block[]): { readonly problems: readonly string[], readonly files: readonly string[] } {
  return compileIn(asItIs, blocks)
}

/** The same with the newest types of Node. */
export const compileWithNewestTypes = (...blocks: readonly Block[]) => compileIn(inNewest, blocks)

function compileIn (place: (path: string) => string, blocks: readonly Block[]) {
  const all = groups(blocks).map((group) => compileTogether(group, place))
  return { problems: all.flatMap(({ problems }) => problems), files: all.flatMap(({ files }) => files) }
}

/** A block that declares its session, or the application beside it does, is a program alone; the others are of two kinds. */
function groups (blocks: readonly Block[]): Block[][] {
  const declares = blocks.filter(({ code }) => /^declare module|from '\.\/app\.js'/m.test(code))
  const makes = blocks.filter((block) => !declares.includes(block) && block.code.includes('createSession('))
  const others = blocks.filter((block) => !declares.includes(block) && !makes.includes(block))
  return [...declares.map((block) => [block]), makes, others].filter((group) => group.length > 0)
}

function compileTogether (blocks: readonly Block[], place: (path: string) => string): { problems: string[], files: string[] } {
  const paths = new Map(blocks.map((block) => [join(folder, `${block.document.replaceAll('/', '-')}-${block.line}.ts`), block]))
  const written = new Map([...paths].map(([path, { code }]) => [path, code]))
  const [{ document, code } = firstProgram] = blocks
  if (code.includes("from './app.js'")) written.set(appPath, appModule(document))
  // Blocks that declare no session are files of an application that has declared one.
  else if (!/^declare module|createSession\(/m.test(code)) written.set(schemaPath, schemaModule)
  const program = ts.createProgram([...written.keys()], options, hostOf(written, place))
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const block = paths.get(file?.fileName ?? '')
    const line = block === undefined || file === undefined ? 0 : block.line + file.getLineAndCharacterOfPosition(start).line
    return `${block === undefined ? file?.fileName : `${block.document}:${line}`} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
  return { problems, files: program.getSourceFiles().map(({ fileName }) => fileName) }
}

/** The real files, of another place perhaps, and these. What is no part of the block is parsed once for all of them. */
function hostOf (written: ReadonlyMap<string, string>, place: (path: string) => string): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  return {
    ...host,
    fileExists: (path) => written.has(path) || host.fileExists(place(path)),
    directoryExists: (path) => host.directoryExists?.(place(path)) ?? true,
    readFile: (path) => written.get(path) ?? host.readFile(place(path)),
    realpath: asItIs,
    getSourceFile (path, target) {
      const text = written.get(path)
      if (text !== undefined) return ts.createSourceFile(path, text, target)
      const real = place(path)
      if (!parsed.has(real)) parsed.set(real, host.getSourceFile(real, target))
      return parsed.get(real)
    }
  }
}
