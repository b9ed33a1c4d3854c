import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { membersOf } from '../../support/declarations.js'
import { codeIn, readText, tableOf } from '../../support/documents.js'
import { browser, runGuide } from '../../support/guide.js'
import { setEnvironment } from '../../support/environment.js'
import { short } from '../../support/inspector-app.js'

const words = readText('lib/inspector/public/words.js')

t.test('the program of the guide: what is opened in one tab is seen in the other', async (t) => {
  setEnvironment(t, 'development')
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'inspector')
  const app = buildApp()
  t.teardown(() => app.close())
  const tab = browser(app)
  await tab.get('/add')
  await tab.get('/login')
  const [{ session, events }] = (await tab.get('/.session/state')).json().sessions
  t.match(session, { data: { userId: 'ada', cart: ['tea'] }, devices: { total: 1 } })
  t.strictSame(events.map(short), ['saved userId GET /login', 'rotated privilege GET /login', 'loaded GET /login', 'created cart GET /add'])
})

t.test('the options of the guide are those that there are', async (t) => {
  const { rows } = tableOf('docs/guides/inspector.md', 'Options', 'option')
  const members = membersOf('../lib/inspector/options.ts', 'InspectorOptions')
  t.strictSame(rows.map(([name = '']) => codeIn(name)[0]), members.map(({ name }) => name))
  t.match(members[0]?.doc, `Default ${rows[0]?.[1]}`)
})

t.test('the events of the guide are those that the page can show', async (t) => {
  const { rows } = tableOf('docs/guides/inspector.md', 'What it shows', 'event')
  const told = /readonly what: (.*)$/m.exec(readText('lib/inspector/event-log.ts'))?.[1]?.match(/(?<=')\w+(?=')/g) ?? []
  t.strictSame(rows.map(([name]) => name).filter((name) => name !== 'changed too late').sort(), [...told].sort())
  t.match(readText('lib/inspector/public/log.js'), "'changed too late'")
})

t.test('the page has words for every reason of a rejection and of a new id', async (t) => {
  const types = readText('types/hooks.ts')
  for (const [name, type] of [['REJECTED', /^export type RejectReason =\n(.*?)\n\n/ms], ['ROTATED', /readonly reason: ('requested'.*)$/m]] as const) {
    const reasons = type.exec(types)?.[1]?.match(/(?<=')[\w-]+(?=')/g) ?? []
    const said = [...new RegExp(`const ${name} = \\{\\n(.*?)\\n\\}`, 's').exec(words)?.[1]?.matchAll(/^ {2}'?([\w-]+)'?:/gm) ?? []].map((match) => match[1])
    t.ok(reasons.length > 2)
    t.strictSame(said.sort(), reasons.sort(), name)
  }
})
