import type { Test } from 'tap'
import { javaScriptOf } from './transpile.js'

/** Writes TypeScript files as the JavaScript that runs, beside each other in a folder of the test. There the package's own name means its build. */
export function writePrograms (t: Pick<Test, 'testdir'>, files: Readonly<Record<string, string>>): string {
  return t.testdir(Object.fromEntries(Object.entries(files).map(([name, code]) => [name, javaScriptOf(code)])))
}
