import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const SCRIPT = 'text/javascript; charset=utf-8'
const TYPES = {
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'main.js': SCRIPT,
  'panel.js': SCRIPT,
  'cards.js': SCRIPT,
  'tree.js': SCRIPT,
  'log.js': SCRIPT,
  'words.js': SCRIPT,
  'dom.js': SCRIPT
}

/** They lie with the sources, which the package has, too: a compiler does not copy them. */
const read = async (name: string) => await readFile(join(dirname(createRequire(import.meta.url).resolve('fastify-typed-session/package.json')), 'lib/inspector/public', name))

export interface Asset { readonly name: string, readonly type: string, readonly content: Buffer }

/** All that the page consists of beside itself. */
export async function readAssets (): Promise<Asset[]> {
  return await Promise.all(Object.entries(TYPES).map(async ([name, type]) => ({ name, type, content: await read(name) })))
}

/** The page. `at`: the folder of the assets, as seen from the page. */
export async function readPage (): Promise<(at: string) => string> {
  const text = (await read('page.html')).toString()
  return (at) => text.replaceAll('%at%', at)
}
