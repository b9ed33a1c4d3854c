import type { Test } from 'tap'
import ts from 'typescript'

/** Writes TypeScript files as the JavaScript that runs, beside each other in a folder of the test. There the package's own name means its build. */
export function writePrograms (t: Pick<Test, 'testdir'>, files: Readonly<Record<string, string>>): string {
  const compiled = Object.entries(files).map(([name, code]) => [name, ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  }).outputText])
  return t.testdir(Object.fromEntries(compiled))
}
