// The JavaScript of the package, in dist/ or the folder that is given: one file for each entry of `exports`, and chunks for what
// they share. A process that imports the package reads a dozen files in place of a hundred (docs/decisions.md).
import { join } from 'node:path'
import { build } from 'esbuild'
import { exported, manifest, root } from './entries.mjs'

const commands = Object.values(manifest.bin).map((path) => path.replace(/^\.\/dist\/(.*)\.js$/, '$1'))

await build({
  entryPoints: [...exported.keys(), ...commands].map((path) => join(root, `${path}.ts`)),
  outbase: root,
  outdir: process.argv[2] ?? join(root, 'dist'),
  chunkNames: 'lib/chunks/[hash]',
  bundle: true,
  // No class and no state may be there twice.
  splitting: true,
  packages: 'external',
  // The check of the version of Zod is an import for its effect, which `sideEffects` of package.json would drop.
  ignoreAnnotations: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  supported: { 'regexp-unicode-property-escapes': true },
  sourcemap: true,
  // The sources are in the package.
  sourcesContent: false,
  logLevel: 'warning'
})
