import t from 'tap'
import * as errors from '../../lib/errors.js'
import { membersOf } from '../support/declarations.js'
import { readText } from '../support/documents.js'
import { entries } from '../support/entries.js'

// What an editor shows on hover.

for (const [file, name] of [
  ['options.ts', 'CommonOptions'], ['options.ts', 'InitialIsFree'], ['options.ts', 'InitialIsNeeded'], ['options.ts', 'OfRegister'], ['options.ts', 'OfCreateSession'],
  ['options.ts', 'CookieOptions'], ['route.ts', 'RouteSessionSettings'], ['hooks.ts', 'SessionHooks'], ['handle.ts', 'SessionHandle'],
  ['session.ts', 'SessionControls'], ['instance.ts', 'Sessions'], ['store.ts', 'SessionStore'], ['socket.ts', 'SessionSocketOptions']
] as const) {
  t.test(`every member of ${name} says what it is`, async (t) => {
    const members = membersOf(file, name)
    t.not(members.length, 0)
    t.strictSame(members.filter(({ doc }) => doc === '').map(({ name }) => name), [])
  })
}

const files = Object.values(entries).flatMap(({ default: path }) => path.endsWith('.js') ? [path.replace('./dist/', '').replace(/js$/, 'ts')] : [])
const elsewhere = [...readText('lib/index.ts').matchAll(/^export \{.*\} from '\.\/(.*)\.js'$/gm)].map((match) => `lib/${match[1]}.ts`)
const comments = [...files, ...elsewhere].flatMap((file) => [...readText(file).matchAll(/^\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport (?:async )?(?:const|function|class) (\w+)/gm)]
  .map(([, text = '', name]) => ({ name: `${file} ${name}`, text })))

t.test('what is exported names errors by their code, which can be looked up, and not by a class that is not exported', async (t) => {
  t.ok(comments.length > 20)
  t.ok(comments.some(({ name }) => name === 'lib/stores/redis.ts redisStore'))
  t.ok(comments.some(({ name }) => name === 'lib/plugin/handle.ts createSession'))
  const classes = Object.keys(errors).filter((name) => name !== 'SessionError')
  t.strictSame(comments.filter(({ text }) => classes.some((name) => text.includes(`\`${name}\``))).map(({ name }) => name), [])
})
