import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { Client, COOKIE, SECRET } from './app.js'
import { writePrograms } from './block-files.js'
import { appModule } from './block-program.js'
import { blocksOf, documents } from './documents.js'

/** The last statement of a guide's program. Tests listen themselves, if they do. */
const LISTENS = /^await (buildApp\([^]*\))\.listen\(\{ port: 3000 \}\)\n$(?![^])/m

/** The names of all guides. */
export const guides = documents.flatMap((path) => /^docs\/guides\/(.*)\.md$/.exec(path)?.[1] ?? [])

/**
 * Runs the one program of docs/guides/<name>.md that listens, anew for each test, with the package as it is built, and returns what
 * it exports. That it compiles is seen to by test/documents/readme-blocks.test.ts, as for every document. `instead` replaces texts of it.
 */
export async function runGuide<Exports> (t: Pick<Test, 'testdir'>, name: string, instead: Readonly<Record<string, string>> = {}): Promise<Exports> {
  process.env.SESSION_SECRET ??= SECRET
  return await import(pathToFileURL(writeGuide(t, name, '', instead)).href) as Exports
}

/**
 * Writes a guide's program with `ending` in place of its last statement, of which $1 is the application, and the `app.js` that it may
 * import. Returns the file.
 */
export function writeGuide (t: Pick<Test, 'testdir'>, name: string, ending: string, instead: Readonly<Record<string, string>> = {}): string {
  const document = `docs/guides/${name}.md`
  const [program, another] = blocksOf(document).filter(({ language, code }) => language === 'ts' && LISTENS.test(code))
  if (program === undefined || another !== undefined) throw new Error(`${name} is not one program that listens`)
  const code = Object.entries(instead).reduce((code, [text, other]) => {
    if (!code.includes(text)) throw new Error(`${name} has no longer: ${text}`)
    return code.replace(text, other)
  }, program.code)
  return join(writePrograms(t, { 'guide.mjs': code.replace(LISTENS, ending), 'app.js': appModule(document) }), 'guide.mjs')
}

/** Somebody's browser, or a second one of theirs. */
export function browser (app: FastifyInstance, agent = 'a browser', cookie = COOKIE): Client {
  return new Client(async (request) => await app.inject({ ...request, headers: { ...request.headers, 'user-agent': agent } }), cookie)
}
