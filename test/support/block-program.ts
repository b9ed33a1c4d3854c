import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { type Block, blocksOf, root } from './documents.js'

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

/** The README's first program, the one that a stranger copies. */
export const firstProgram = blocksOf('README.md').find(({ language }) => language === 'ts') as Block

/**
 * What the blocks import as './schema.js': the schema and the declaration of the first program. It imports the package
 * because TypeScript can only augment a module that something imports; in an application that is what registers the plugin.
 */
export const schemaModule = `import type {} from 'fastify-typed-session'\nimport { z } from 'zod'\n\nexport ${/^const schema = .*?^declare module.*?^\}/ms.exec(firstProgram.code)?.[0]}\n`

export const isBuilt = existsSync(join(root, 'dist/lib/index.d.ts'))

const parsed = new Map<string, ts.SourceFile | undefined>()

/** What TypeScript says about a block as a program of its own, as `document:line message`, and the files that it read. */
export function compile (block: Block): { readonly problems: readonly string[], readonly files: readonly string[] } {
  const path = join(folder, `line-${block.line}.ts`)
  // A block that declares a session is a whole program. The others are files of an application that has declared it.
  const whole = /\bcreateSession\(|^declare module/m.test(block.code)
  const program = ts.createProgram(whole ? [path] : [path, schemaPath], options, hostOf(new Map([[path, block.code], [schemaPath, schemaModule]])))
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.fileName === path ? block.line + file.getLineAndCharacterOfPosition(start).line : 0
    const place = file === undefined || line > 0 ? `${block.document}:${line}` : file.fileName
    return `${place} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
  return { problems, files: program.getSourceFiles().map(({ fileName }) => fileName) }
}

/** The real files and these. What is no part of the block is parsed once for all of them. */
function hostOf (written: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  return {
    ...host,
    fileExists: (path) => written.has(path) || host.fileExists(path),
    readFile: (path) => written.get(path) ?? host.readFile(path),
    getSourceFile (path, target) {
      const text = written.get(path)
      if (text !== undefined) return ts.createSourceFile(path, text, target)
      if (!parsed.has(path)) parsed.set(path, host.getSourceFile(path, target))
      return parsed.get(path)
    }
  }
}
