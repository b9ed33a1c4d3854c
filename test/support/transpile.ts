import { transformSync } from 'esbuild'

const known = new Map<string, string>()

/** TypeScript as the JavaScript that runs. To load the compiler for it costs a second. */
export function javaScriptOf (code: string): string {
  const made = known.get(code) ?? transformSync(code, { loader: 'ts', target: 'es2022' }).code
  known.set(code, made)
  return made
}
