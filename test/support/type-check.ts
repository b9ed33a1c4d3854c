// `node type-check.js COMPILER FOLDER...`: what a compiler says about the program in each folder, one after the other: the lines that
// `tsc -p FOLDER --pretty false` prints. A file that several programs share is parsed once, and that is most of the time.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type ts from 'typescript'

const [name = '', ...folders] = process.argv.slice(2)
const compiler = createRequire(import.meta.url)(name) as typeof ts
const { sys } = compiler
const here: ts.FormatDiagnosticsHost = { getCurrentDirectory: () => sys.getCurrentDirectory(), getCanonicalFileName: (file) => file, getNewLine: () => '\n' }
const parsed = new Map<string, ts.SourceFile | undefined>()

process.stdout.write(folders.map(check).join(''))

function check (folder: string): string {
  const { options, fileNames, errors } = compiler.getParsedCommandLineOfConfigFile(join(folder, 'tsconfig.json'), {}, { ...sys, onUnRecoverableConfigFileDiagnostic: refuse }) ?? refuse()
  const program = compiler.createProgram({ rootNames: fileNames, options, host: sharing(options), configFileParsingDiagnostics: errors })
  return compiler.formatDiagnostics(compiler.sortAndDeduplicateDiagnostics(compiler.getPreEmitDiagnostics(program)), here)
}

function sharing (options: ts.CompilerOptions): ts.CompilerHost {
  const host = compiler.createCompilerHost(options)
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (file, format, ...rest) => {
    const key = JSON.stringify([file, format, options.module, options.verbatimModuleSyntax], (key, value: unknown) => key === 'setExternalModuleIndicator' ? undefined : value)
    if (!parsed.has(key)) parsed.set(key, read(file, format, ...rest))
    return parsed.get(key)
  }
  return host
}

function refuse (diagnostic?: ts.Diagnostic): never {
  throw new Error(diagnostic === undefined ? 'there is no configuration' : compiler.formatDiagnostic(diagnostic, here))
}
