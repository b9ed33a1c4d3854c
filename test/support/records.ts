import fc from 'fast-check'
import type { JsonObject } from '../../types/index.js'
import { ALGORITHMS, type Device } from '../../lib/record/device.js'
import type { Times } from '../../lib/record/record.js'

export const LATEST = 2 ** 48 - 1
const time = fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.constantFrom(0, 1, 2 ** 32, LATEST))
const json = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }).map((data) => JSON.parse(JSON.stringify(data)) as Record<string, unknown>)

/** Anything that a record can say beside its data. */
export const anyTimes: fc.Arbitrary<Times> = fc.record({
  version: fc.integer({ min: 1, max: 65_535 }),
  createdAt: time,
  usedAt: time,
  authenticatedAt: time,
  rotatedAt: time,
  persist: fc.option(fc.boolean()),
  idle: time,
  absolute: time,
  adoptedUntil: time
}, { noNullPrototype: true })

export const anyStored = fc.record({ data: json, extra: fc.option(json) }, { noNullPrototype: true })

const about = json as fc.Arbitrary<JsonObject>
export const anyCard = fc.option(fc.oneof(
  fc.record({ about, from: fc.option(fc.string()) }, { noNullPrototype: true }),
  fc.record({ about: fc.constant(null), from: fc.string() }, { noNullPrototype: true })
))

/** Of a session that began at `createdAt`, and of which nothing else has happened. */
export const timesOf = (createdAt: number, more: Partial<Times> = {}): Times => ({
  version: 1, createdAt, usedAt: createdAt, authenticatedAt: 0, rotatedAt: createdAt, persist: null, idle: 0, absolute: 0, adoptedUntil: 0, ...more
})

/** A binding to a device, if there is one. */
export const anyDevice: fc.Arbitrary<Device | null> = fc.option(fc.record({
  id: fc.string(),
  algorithm: fc.constantFrom(...ALGORITHMS),
  key: fc.constantFrom<Record<string, string>>({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, { kty: 'RSA', n: 'n', e: 'AQAB' }),
  boundAt: time,
  refreshedAt: time,
  challenges: fc.array(fc.record({ value: fc.string(), until: time, answer: fc.option(fc.string()) }, { noNullPrototype: true }), { maxLength: 2 })
}, { noNullPrototype: true }))

export const law = { seed: 11, numRuns: 1000 }
