import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './root.js'

type Target = string | null | { readonly types: string, readonly default: string }

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, Target> }

/** Each entry of `exports` with what it stands for, patterns written out. Those that are `null` are closed, and left out. */
export const entries: Readonly<Record<string, { readonly types: string, readonly default: string }>> = Object.fromEntries(
  Object.entries(exports).flatMap(([entry, target]) => {
    if (target === null) return []
    if (typeof target === 'string') return [[entry, { types: target, default: target }]]
    return namesFor(target.default).map((name) => [entry.replace('*', name), { types: target.types.replace('*', name), default: target.default.replace('*', name) }])
  })
)

function namesFor (path: string): string[] {
  if (!path.includes('*')) return ['']
  const files = readdirSync(join(root, dirname(path).replace('./dist/', '')), { withFileTypes: true })
  return files.filter((file) => file.isFile()).map(({ name }) => name.replace(/\.ts$/, ''))
}
