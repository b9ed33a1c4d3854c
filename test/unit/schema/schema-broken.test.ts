import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import { createSession, requireSession } from '../../../lib/index.js'
import { SECRET } from '../../support/app.js'

const lost = undefined as unknown as z.ZodString
const UNDEFINED = /it is undefined. Do two files import each other\?/
const OLD = /it is a schema of Zod 3/
const NONE = /it is no schema/

const broken: ReadonlyArray<readonly [what: string, make: () => z.ZodType, path: string, why: RegExp]> = [
  ['a key that is undefined, as after a circular import', () => z.object({ a: lost }), 'session.a', UNDEFINED],
  ['a nested one', () => z.object({ a: z.object({ b: z.array(lost) }) }), 'session.a.b[]', UNDEFINED],
  ['an optional one', () => z.object({ a: z.optional(lost) }), 'session.a', UNDEFINED],
  ['a lazy one', () => z.object({ a: z.lazy(() => lost) }), 'session.a', UNDEFINED],
  ['a member of a union', () => z.object({ a: z.union([z.number(), lost]) }), 'session.a|1', UNDEFINED],
  ['a state', () => z.union([z.object({}), lost as unknown as z.ZodObject]), 'session|1', UNDEFINED],
  ['a value of a record', () => z.object({ a: z.record(z.string(), z.array(lost)) }), 'session.a.*[]', UNDEFINED],
  ['an item', () => z.object({ a: z.tuple([lost], z.string()) }), 'session.a[0]', UNDEFINED],
  ['a text', () => z.object({ a: 'string' as never }), 'session.a', NONE],
  ['null', () => z.object({ a: null as never }), 'session.a', NONE],
  ['a shape', () => z.object({ a: { b: z.string() } as never }), 'session.a', NONE],
  ['a function', () => z.object({ a: z.string as never }), 'session.a', NONE],
  ['a schema of Zod 3', () => z.object({ a: z3.string() as never }), 'session.a', OLD]
]

for (const [what, make, path, why] of broken) {
  t.test(`refused at register, with the path and the reason, what is no schema: ${what}`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    const { message, code } = await app.register(createSession(make() as never, { secret: SECRET } as never).plugin)
      .then(() => ({ message: 'it was taken', code: '' }), (error: Error & { code: string }) => error)
    t.equal(code, 'FST_TYPED_SESSION_INVALID_SCHEMA', message)
    t.ok(message.includes(`${path}: `), message)
    t.match(message, why)
  })
}

t.test('a guard that is made before leaves it to register to say so', async (t) => {
  t.doesNotThrow(() => (requireSession as unknown as (schema: object, key: string) => object)(z.object({ a: lost, b: z.string().optional() }), 'b'))
})
