import t from 'tap'
import * as z from 'zod'
import type { $ZodType } from 'zod/v4/core'
import { createCodec } from '../../../lib/schema/codec.js'
import { inspectSchema } from '../../../lib/schema/inspect.js'

const problems = (a: $ZodType) => inspectSchema(z.object({ a }), new Set()).problems
const asynchronous = /^session\.a.*: it is asynchronous/
const reserved = new Set<string>()

t.test('an async function is found wherever Zod keeps it', async t => {
  const cases: $ZodType[] = [
    z.string().refine(async () => true), z.string().check(async () => {}), z.custom(async () => true), z.stringFormat('f', async () => true),
    z.string().overwrite((async (text: string) => text) as never), z.codec(z.string(), z.string(), { decode: async text => text, encode: text => text }),
    z.codec(z.string(), z.string(), { decode: text => text, encode: async text => text }), z.array(z.string().refine(async () => true)), z.string().refine(async () => true).optional()
  ]
  for (const schema of cases) t.match(problems(schema)[0], asynchronous)
  t.same(problems(z.string().refine(() => true).check(() => {})), [])
})

t.test('so is a plain function that returns a promise, also where no new session runs it', async t => {
  const cases: $ZodType[] = [
    z.string().refine(() => Promise.resolve(true)).optional(), z.string().superRefine((() => Promise.reject(new Error('no'))) as never).optional(),
    z.codec(z.string(), z.string(), { decode: text => Promise.resolve(text), encode: text => text }).optional()
  ]
  for (const schema of cases) t.match(problems(schema)[0], asynchronous)
  t.same(problems(z.string().refine((text) => text.length > 3).optional()), [], 'one that throws when it is tried with nothing is none')
})

/** Asynchronous only for what it is meant for, so that trying it with nothing tells nothing. */
const onText = <T>(then: (text: string) => Promise<T>) => (text: unknown): Promise<T> | true => typeof text === 'string' ? then(text) : true

t.test('a plain function that returns a promise is refused when a new session runs it', async t => {
  const cases: $ZodType[] = [
    z.string().default('x').refine(onText(() => Promise.resolve(true))), z.string().default('x').superRefine(onText(() => Promise.resolve()) as never),
    z.codec(z.string(), z.string(), { decode: onText(text => Promise.resolve(text)) as never, encode: text => text }).prefault('x'),
    z.codec(z.string(), z.string(), { decode: text => text, encode: onText(text => Promise.resolve(text)) as never }).prefault('x'),
    z.string().prefault('x').refine(onText(() => Promise.reject(new Error('no'))))
  ]
  for (const a of cases) {
    t.throws(() => createCodec(z.object({ a }) as never, { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /returned a promise/ })
  }
  await rejectionsAreHandled()
})

t.test('one that no new session runs says so at the first save; decoding is not ok; no rejection stays unhandled', async t => {
  const cases: $ZodType[] = [
    z.string().refine(onText(() => Promise.reject(new Error('no')))), z.string().superRefine(onText(() => Promise.reject(new Error('no'))) as never),
    z.string().check(z.property('length', z.number().refine((length) => typeof length === 'number' ? Promise.reject(new Error('no')) : true))),
    z.codec(z.string(), z.string(), { decode: onText(() => Promise.reject(new Error('no'))) as never, encode: text => text }),
    z.codec(z.string(), z.string(), { decode: text => text, encode: onText(() => Promise.reject(new Error('no'))) as never })
  ]
  for (const a of cases) {
    const codec = createCodec(z.object({ a: (a as z.ZodString).optional() }), { reserved })
    t.throws(() => codec.encode({ a: 'x' }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /returned a promise/ })
    codec.decode({ data: { a: 'x' } })
    await rejectionsAreHandled()
  }
  const codec = createCodec(z.object({ a: (cases[0] as z.ZodString).optional() }), { reserved })
  t.same(codec.decode({ data: { a: 'x' } }), { ok: false, paths: ['(the data as a whole)'] })
  t.equal(codec.salvage({ data: { a: 'x' } }).ok, false)
})

/** Node ends the process (and tap fails the test) for a rejection that is still unhandled a turn later. */
const rejectionsAreHandled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
