import { mock } from 'node:test'
import t from 'tap'
import { fromFlask } from '../../lib/adopt.js'
import { adoptionSuite } from '../support/adoption-suite.js'
import { flaskApplication, startFlask, withoutFlask } from '../support/flask.js'
import { OLD_KEY, OLDER_KEY } from '../support/old-applications.js'
import { skipOrFail } from '../support/skip.js'

const reason = withoutFlask
if (reason === null) runTests()
else t.test('sessions of Flask', async (t) => skipOrFail(t, reason))

function runTests (): void {
  const until = new Date(Date.now() + 86_400_000)
  const request = {} as never

  t.test('sessions of Flask, whose application runs beside ours', async (t) => await adoptionSuite(t, flaskApplication, OLDER_KEY))

  t.test('every type that Flask can keep comes as what JavaScript has for it', async (t) => {
    const address = await startFlask(t)
    const [line = ''] = (await fetch(`${address}/types`)).headers.getSetCookie()
    const value = /^flask=([^;]*)/.exec(line)?.[1] ?? ''
    const { read } = fromFlask({ cookie: 'flask', until, secret: OLD_KEY, map: (old) => ({ old }) })
    const found = await read(value, request)
    t.strictSame(found?.data.old, Object.fromEntries(Object.entries({
      tuple: [1, [2, 'three']],
      bytes: new Uint8Array([0, 255]),
      uuid: '12345678-1234-5678-1234-567812345678',
      datetime: new Date(Date.UTC(2026, 0, 15, 12)),
      markup: '<b>&amp;</b>',
      looks_like_a_tag: { ' t': { ' d': ['no date'] } },
      big: '9007199254740993',
      numbers: [0, -1, 1.5, 1e300, 9007199254740991],
      text: 'a "quoted" 12345678901234567890 \\ é \u2028',
      nested: { list: [{ tuple: ['x'] }], none: null, true: true },
      ['__proto__']: { polluted: true }
    })))
    t.equal((found?.data.old as { polluted?: boolean }).polluted, undefined)
  })

  t.test('a session that Flask has compressed is read, and a salt of its own is heeded', async (t) => {
    const { signIn, adopter } = await flaskApplication(t, { large: 3000, salt: 'a-salt-of-ours' })
    const [, value] = await signIn('ann')
    t.ok(value.startsWith('.') && value.length < 500, `${value.length} characters`)
    t.match(await adopter().read(value, request), { data: { userId: 'ann', visits: 7 }, createdAt: Date })
    const other = fromFlask({ cookie: 'flask', until, secret: OLD_KEY, map: () => ({}) })
    t.equal(await other.read(value, request), null)
  })

  t.test('the session began when Flask wrote the cookie, and is over when Flask would say so', async (t) => {
    const { signIn, userOf } = await flaskApplication(t)
    const before = Math.floor(Date.now() / 1000) * 1000
    const [, value] = await signIn('ann')
    t.equal(await userOf(value), 'ann')
    const { read } = fromFlask({ cookie: 'flask', until, secret: OLD_KEY, maxAge: 3600, map: () => ({}) })
    const at = (await read(value, request))?.createdAt?.getTime() ?? 0
    t.ok(at >= before && at <= Date.now())
    mock.timers.enable({ apis: ['Date'], now: at + 3_600_999 })
    t.teardown(() => mock.timers.reset())
    t.ok(await read(value, request))
    mock.timers.setTime(at + 3_601_000)
    t.equal(await read(value, request), null)
  })

  t.test('Flask itself does not read what we refuse, nor refuse what we read', async (t) => {
    const { signIn, userOf, adopter } = await flaskApplication(t, { large: 500 })
    const [, value] = await signIn('ann')
    const { read } = adopter()
    const parts = value.split('.')
    const swapped = [...parts.slice(0, -2), parts.at(-1), parts.at(-2)].join('.')
    for (const tried of [value, value.slice(1), `.${value}`, `${value}=`, swapped, value.replaceAll('.', '..'), 'a.b.c', '..']) {
      const theirs = await userOf(tried)
      const ours = await read(tried, request)
      // Flask takes padding and spare bits of the signature; each value is to have one form here.
      if (tried !== `${value}=`) t.equal(ours?.data.userId ?? null, theirs, tried)
      else t.equal(ours, null)
    }
  })
}
