import Fastify from 'fastify'
import t from 'tap'
import * as errors from '../../lib/errors.js'
import { HookList } from '../../lib/session/hooks.js'
import { sessionPlugin } from '../../lib/index.js'
import { RESERVED_KEYS, Session } from '../../lib/session/session.js'
import { schema, SECRET } from '../support/app.js'
import { type Member, membersOf } from '../support/declarations.js'
import { codeIn, documents, proseOf, readText, type Table, tableOf, tablesOf } from '../support/documents.js'
import { entries } from '../support/entries.js'
import { cookieDefaults, optionDefaults } from '../support/option-defaults.js'

const plain = (cell = '') => cell.replaceAll('`', '')
const names = (cell = '') => codeIn(cell).map((code) => /^[\w$]+/.exec(code)?.[0] ?? code)
const sorted = (values: Iterable<string>) => [...values].sort()

/** All tables of docs/options.md whose first column is called so, as one. */
const optionTable = (column: string): Pick<Table, 'rows'> => ({ rows: tablesOf('docs/options.md').filter(({ header }) => header[0] === column).flatMap(({ rows }) => rows) })
const options = optionTable('option')
const cookieOptions = optionTable('cookie option')

for (const [what, table, file, defaults] of [
  ['options', options, 'lib/options/options.ts', optionDefaults],
  ['cookie options', cookieOptions, 'lib/options/cookie-options.ts', cookieDefaults]
] as const) {
  t.test(`the ${what} are those that the code reads, with the defaults that it has`, async (t) => {
    const rows = table.rows.map(([name, value]) => [plain(name), plain(value)] as const)
    t.strictSame(Object.fromEntries(rows), defaults)
    t.equal(rows.length, Object.keys(defaults).length, 'each once')
    t.strictSame(sorted(rows.map(([name]) => name)), sorted(keysOfShape(file)))
  })
}

for (const [what, table, members] of [
  ['an option', options, membersOf('options.ts', 'CommonOptions')],
  ['a cookie option', cookieOptions, membersOf('options.ts', 'CookieOptions')]
] as const) {
  t.test(`the values that ${what} can have are all named, and no others`, async (t) => {
    const choices = members.map(({ name, type }) => [name, type.match(/'[\w-]+'/g) ?? []] as const).filter(([, values]) => values.length > 0)
    t.ok(choices.length > 1)
    for (const [name, values] of choices) t.strictSame(sorted(literalsIn(table, name)), sorted(values), name)
  })
}

t.test('what a route may say of its session is all in the table', async (t) => {
  const { rows } = tableOf('docs/options.md', 'One route', '`config: { session: … }`')
  const shown = rows.flatMap(([cell = '']) => /^`\{ (\w+):/.exec(cell)?.[1] ?? [])
  t.strictSame(sorted(shown), sorted(membersOf('route.ts', 'RouteSessionSettings').map(({ name }) => name).filter((name) => name !== 'require')))
})

t.test('the options that the README picks out are ten of them, with the same defaults', async (t) => {
  const { rows } = tableOf('README.md', 'Options', 'option')
  t.equal(rows.length, 10)
  t.strictSame(rows.filter(([name, value]) => plain(value) !== optionDefaults[plain(name)]), [])
})

t.test('the peers that the README compares with have the versions that the benchmarks have', async (t) => {
  const { dependencies } = JSON.parse(readText('benchmarks/package.json')) as { dependencies: Record<string, string> }
  const [, text = ''] = /^## Beside others\n(.*?)^## /ms.exec(readText('README.md')) ?? []
  const peers = [...text.matchAll(/`([\w@/-]+)` (\d[\d.]*\d)/g)]
  t.equal(peers.length, 3)
  for (const [, name = '', version] of peers) t.equal(version, dependencies[name], name)
})

t.test('the README names every entry of the package, and can be read in one go', async (t) => {
  const named = codeIn(proseOf('README.md')).map((code) => /fastify-typed-session(?:\/[\w/-]+)?/.exec(code)?.[0])
  const exported = Object.keys(entries).filter((entry) => !['.', './package.json'].includes(entry)).map((entry) => `fastify-typed-session${entry.slice(1)}`)
  t.ok(exported.length > 15)
  t.strictSame(exported.filter((entry) => !named.includes(entry)), [])
  t.ok(readText('README.md').split('\n').length - 1 <= 250)
})

/** A fact needs a session to be read from, a method does not. */
function isMethod (name: string): boolean {
  try {
    return typeof Reflect.get(Session.prototype, name) === 'function'
  } catch {
    return false
  }
}

t.test('the members of the session are those that it has; what is called has parentheses', async (t) => {
  const codes = tableOf('README.md', 'The session', 'member').rows.flatMap(([cell]) => codeIn(cell ?? ''))
  t.strictSame(sorted(codes.flatMap((code) => names(`\`${code}\``))), sorted(RESERVED_KEYS).filter((name) => name !== 'constructor'))
  for (const code of codes) {
    t.equal(code.endsWith(')'), isMethod(names(`\`${code}\``)[0] ?? ''), code)
  }
})

t.test('the hooks are those that there are, in this order, with what their events hold', async (t) => {
  const { rows } = tableOf('docs/hooks.md', 'Hooks', 'hook')
  const hooks = membersOf('hooks.ts', 'SessionHooks')
  t.strictSame(rows.map(([name]) => plain(name)), hookNames())
  t.strictSame(hooks.map(({ name }) => name), hookNames())
  for (const { name, type } of hooks) {
    const event = membersOf('hooks.ts', /^Run<(\w+)/.exec(type)?.[1] ?? '')
    t.strictSame(names(rows.find(([cell]) => plain(cell) === name)?.[2]), event.map((member) => member.name), name)
  }
})

t.test('the reasons of onReject are those that there are', async (t) => {
  const { rows } = tableOf('docs/hooks.md', 'Why something was rejected', 'reason')
  const reasons = /^export type RejectReason =\n(.*?)\n\n/ms.exec(readText('types/hooks.ts'))?.[1]?.match(/(?<=')[\w-]+(?=')/g) ?? []
  t.ok(reasons.length > 10)
  t.strictSame(sorted(rows.map(([name]) => plain(name))), sorted(reasons))
})

t.test('the members of app.sessions are those that it has', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(sessionPlugin, { schema, secret: SECRET } as never)
  const shown = tableOf('docs/control.md', 'The instance', 'member').rows.flatMap(([cell]) => names(cell))
  t.strictSame(sorted(shown), sorted(methodsOf(app.getDecorator<object>('sessions'))))
  t.strictSame(sorted(shown), sorted(membersOf('instance.ts', 'Sessions').map(({ name }: Member) => name)))
})

t.test('the errors are those that there are, in this order, with their codes and statuses', async (t) => {
  const { header, rows } = tableOf('docs/errors.md', 'Errors', 'code')
  t.strictSame(header, ['code', 'status', 'when'])
  t.strictSame(rows.map(([code, status]) => [plain(code), Number(status)]), thrown().map(({ code, statusCode }) => [code, statusCode]))
  t.strictSame(rows.filter(([, , when = '']) => when.length < 20), [], 'each says when')
})

t.test('every code that a document or a comment names is one of an error, or of a warning', async (t) => {
  const known = [...thrown().map(({ code }) => code), 'FST_TYPED_SESSION_MEMORY_STORE']
  const types = ['options', 'session', 'store', 'handle', 'hooks', 'instance'].map((name) => `types/${name}.ts`)
  for (const path of [...documents, ...types]) {
    t.strictSame((readText(path).match(/FST_TYPED_SESSION_\w+/g) ?? []).filter((code) => !known.includes(code)), [], path)
  }
})

function keysOfShape (file: string): string[] {
  const shape = /^const shape = z\.strictObject\(\{\n(.*?)^\}[,)]/ms.exec(readText(file))?.[1] ?? ''
  return [...shape.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1] ?? '')
}

function literalsIn ({ rows }: Pick<Table, 'rows'>, option: string): Set<string> {
  const row = rows.find(([name]) => plain(name) === option) ?? []
  return new Set(codeIn(row.join(' ')).filter((code) => /^'[\w-]+'$/.test(code)))
}

/** As the message lists them. */
function hookNames (): string[] {
  try {
    new HookList().add('none', () => {})
    return []
  } catch (error) {
    return (error as Error).message.split('there are: ')[1]?.split(', ') ?? []
  }
}

function methodsOf (value: object): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(value)).filter((name) => name !== 'constructor')
}

/** One of each, in the order of lib/errors.ts. */
function thrown (): errors.SessionError[] {
  const order = [...readText('lib/errors.ts').matchAll(/^export const (\w+) = define/gm)].map((match) => match[1] as keyof typeof errors)
  return order.map((name) => new errors[name]() as errors.SessionError)
}
