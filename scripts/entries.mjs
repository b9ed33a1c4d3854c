import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The sources that `exports` of package.json leads to, without their ending, with the name by which each is imported. */
export const exported = new Map(Object.entries(manifest.exports).flatMap(([entry, target]) => {
  if (typeof target?.types !== 'string') return []
  const source = target.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1')
  const sources = source.includes('*') ? filesIn(dirname(source)) : [source]
  return sources.map((path) => [path, manifest.name + entry.slice(1).replace('*', basename(path))])
}))

function filesIn (/** @type {string} */ folder) {
  return readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts')).map((file) => join(folder, basename(file, '.ts')))
}
