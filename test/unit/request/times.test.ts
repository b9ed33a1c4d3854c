import fc from 'fast-check'
import t from 'tap'
import * as z from 'zod'
import type { Place } from '../../../lib/backends/place.js'
import { readOptions } from '../../../lib/options/options.js'
import type { Times } from '../../../lib/record/record.js'
import { deadline } from '../../../lib/record/timeouts.js'
import { cookieMaxAge, cookieUntil, deadlineOfNew, isTouchDue, makeTimes, type Moment, signedIn, timeOfUse } from '../../../lib/request/times.js'
import { createCodec } from '../../../lib/schema/codec.js'
import { RESERVED_KEYS } from '../../../lib/session/session.js'
import { law, timesOf } from '../../support/records.js'

const T = 1_700_000_000_000
const DAY = 86_400
const schema = z.object({ userId: z.string().optional(), role: z.string().default('guest'), remember: z.boolean().default(false) })
const codec = createCodec(schema, { initial: undefined, undeclaredKeys: [], reserved: RESERVED_KEYS })
const read = (options: object = {}) => readOptions({ schema, ...options }, false)
const NEW = codec.initial()

const placeOf = (times: Times, usedAt = times.usedAt): Place => ({
  raw: Buffer.alloc(16), key: 'k', record: { kind: 'session', times, found: { data: {}, extra: null }, card: null, device: null }, payload: '', usedAt, stale: false
})
const moment = (more: Partial<Moment> = {}): Moment => ({ now: T + 9, usedAt: T + 8, changed: true, privileged: false, proved: false, rotate: null, ...more })

t.test('a new session begins now; whatever else happens to it, it has begun then (S-7.3.2)', async t => {
  const runtime = { codec, settings: read({ version: 3 }) }
  t.strictSame(makeTimes({ place: null, data: NEW }, moment(), undefined, NEW, runtime), timesOf(T + 9, { version: 3, usedAt: T + 8 }))
  const before = timesOf(T, { version: 2, authenticatedAt: T + 1, rotatedAt: T + 2, persist: true })
  for (const rotate of [null, 'requested', 'privilege', 'periodic'] as const) {
    const times = makeTimes({ place: placeOf(before), data: NEW }, moment({ rotate, changed: false }), undefined, NEW, runtime)
    t.strictSame(times, { ...before, usedAt: T + 8, rotatedAt: rotate === null ? T + 2 : T + 9 })
  }
})

t.test('persist() is kept until it is said otherwise', async t => {
  const runtime = { codec, settings: read() }
  for (const [before, asked, after] of [[null, undefined, null], [true, undefined, true], [true, false, false], [null, true, true], [false, true, true]] as const) {
    t.equal(makeTimes({ place: placeOf(timesOf(T, { persist: before })), data: NEW }, moment(), asked, NEW, runtime).persist, after)
  }
})

const PEOPLE = [undefined, 'ann', 'bob'] as const
for (const options of [{ subject: 'userId' }, { subject: ({ userId }: { userId?: string }) => userId }, { rotateOn: ['userId', 'role'] }]) {
  t.test(`who has proved who they are: ${JSON.stringify(Object.keys(options))}`, async t => {
    const runtime = { codec, settings: read(options) }
    for (const was of PEOPLE) {
      for (const is of PEOPLE) {
        const place = placeOf(timesOf(T, { authenticatedAt: was === undefined ? 0 : T + 1 }))
        const at = (more: Partial<Moment>) => makeTimes({ place, data: { ...NEW, userId: was } }, moment(more), undefined, { ...NEW, userId: is, role: 'other' }, runtime).authenticatedAt
        const expected = is === undefined ? 0 : was === undefined ? T + 9 : was === is ? T + 1 : 0
        t.equal(at({ privileged: true }), expected, `${was} → ${is}`)
        t.equal(at({ privileged: true, proved: true }), T + 9, 'a proof')
        if (was === is) t.equal(at({}), was === undefined ? 0 : T + 1, 'no change of privilege')
      }
    }
  })
}

t.test('whose session it is: its subject, or the first rotateOn key beside its initial value', async t => {
  const is = (options: object, data: object) => signedIn({ codec, settings: read(options) }, { ...NEW, ...data })
  t.equal(is({}, { userId: 'ann' }), false)
  t.equal(is({ rotateOn: ['role'] }, { role: 'guest' }), false)
  t.equal(is({ rotateOn: ['role'] }, { role: 'admin' }), true)
  t.equal(is({ rotateOn: ['userId', 'role'] }, { role: 'admin' }), false)
  t.equal(is({ rotateOn: ['userId'] }, { userId: null }), false)
  t.equal(is({ subject: 'userId', rotateOn: ['role'] }, { role: 'admin' }), false)
  t.equal(is({ subject: 'userId' }, { userId: 'ann' }), true)
})

t.test('a use is now, or what it was where the request is none, or the beginning of one that came in time', async t => {
  const settings = read({ idleTimeout: 60 })
  const place = placeOf(timesOf(T))
  t.equal(timeOfUse(null, false, 0, T + 5, settings), T + 5, 'a new session')
  t.equal(timeOfUse(place, true, T, T + 59_999, settings), T + 59_999)
  t.equal(timeOfUse(place, false, T, T + 59_999, settings), T)
  t.equal(timeOfUse(place, true, T + 50_000, T + 60_000, settings), T + 50_000)
  t.equal(timeOfUse(placeOf(timesOf(T, { idle: 10_000 })), true, T, T + 10_000, settings), T + 10_000, 'what was kept counts only for a function')
  const asked = read({ idleTimeout: () => 60 })
  t.equal(timeOfUse(placeOf(timesOf(T, { idle: 10_000 })), true, T + 1, T + 10_000, asked), T + 1)
  t.equal(timeOfUse(placeOf(timesOf(T), T + 5), true, T + 1, T + DAY * 1000 + 5, asked), T + 5, 'never earlier than before')
})

t.test('a touch is due after touchAfter, by default a tenth of the idle timeout, and at most a tenth of an answer', async t => {
  const due = (options: object, times: Partial<Times> = {}) => {
    const settings = read(options)
    for (let age = 0; age < 100_000; age += 500) if (isTouchDue(placeOf(timesOf(T, times)), settings, T + age)) return age
    return null
  }
  t.equal(due({ idleTimeout: 100 }), 10_000)
  t.equal(due({ idleTimeout: 100, touchAfter: 50 }), 50_000)
  t.equal(due({ idleTimeout: 100, touchAfter: 0 }), 0)
  t.equal(due({ idleTimeout: 100 }, { idle: 5_000 }), 10_000)
  t.equal(due({ idleTimeout: () => 100 }, { idle: 100_000 }), 10_000)
  t.equal(due({ idleTimeout: () => 100, touchAfter: 50 }, { idle: 100_000 }), 10_000)
  t.equal(due({ idleTimeout: () => 100, touchAfter: 5 }, { idle: 100_000 }), 5_000)
  t.equal(due({ idleTimeout: () => 100 }), 0, 'nobody has asked yet')
  t.equal(due({ absoluteTimeout: () => 100, idleTimeout: 100, touchAfter: 50 }), 0, 'nobody has asked yet')
  t.equal(due({ absoluteTimeout: () => 100, idleTimeout: 100, touchAfter: 50 }, { absolute: 100_000 }), 50_000)
})

t.test('the cookie lasts as long as the session can, or as long as the browser', async t => {
  const until = (persistent: boolean, persist: boolean | null, more: object = {}) => cookieUntil(timesOf(T, { persist }), read({ cookie: { persistent }, ...more }))
  const end = T + 30 * DAY * 1000
  t.strictSame([until(false, null), until(true, null), until(false, true), until(true, false)], [null, end, end, null])
  t.equal(cookieMaxAge(timesOf(T), read(), T), null)
  t.equal(cookieMaxAge(timesOf(T, { persist: true }), read({ absoluteTimeout: 90.5, idleTimeout: 60 }), T + 1_000), 90)
  t.equal(cookieMaxAge(timesOf(T + 1_000, { persist: true }), read({ absoluteTimeout: 400 * DAY }), T), 400 * DAY, 'also where our clock has been set back')
})

t.test('a new session ends by what its data say, if nothing more happens', async t => {
  t.equal(deadlineOfNew(NEW, read(), T), T + DAY * 1000)
  const settings = read({ idleTimeout: ({ remember }: { remember: boolean }) => remember ? 20 : 10, absoluteTimeout: 15 })
  t.equal(deadlineOfNew(NEW, settings, T), T + 10_000)
  t.equal(deadlineOfNew({ ...NEW, remember: true }, settings, T), T + 15_000)
})

const seconds = fc.integer({ min: 1, max: 400 * DAY })

t.test('whoever is remembered is never out sooner than whoever is not', async t => {
  fc.assert(fc.property(seconds, seconds, fc.boolean(), fc.nat(400 * DAY * 1000), (idle, absolute, asks, age) => {
    const option = (value: number) => asks ? () => value : value
    const settings = read({ absoluteTimeout: option(absolute), idleTimeout: option(Math.min(idle, absolute)) })
    const data = { ...NEW }
    const lasting = (persist: boolean) => makeTimes({ place: placeOf(timesOf(T)), data }, moment({ now: T + age, usedAt: T + age }), persist, data, { codec, settings })
    const times = lasting(true)
    const end = deadline(times, times.usedAt, settings)
    return end === deadline(lasting(false), times.usedAt, settings) && T + age + (cookieMaxAge(times, settings, T + age) as number) * 1000 >= end
  }), law)
  t.pass()
})

t.test('the deadline of a session that is used never moves back, and one that no request uses never moves on', async t => {
  const steps = fc.array(fc.record({ pass: fc.nat(30_000), counts: fc.boolean() }), { maxLength: 20 })
  fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), steps, (idle, steps) => {
    const settings = read({ idleTimeout: idle })
    let place = placeOf(timesOf(T))
    let now = T
    for (const { pass, counts } of steps) {
      now += pass
      const before = deadline(place.record.times, place.usedAt, settings)
      if (now >= before) return true
      const usedAt = timeOfUse(place, counts, now, now, settings)
      place = placeOf({ ...place.record.times, usedAt })
      const after = deadline(place.record.times, usedAt, settings)
      if (after < before || (!counts && after !== before)) return false
    }
    return true
  }), law)
  t.pass()
})
