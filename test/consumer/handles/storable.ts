// Schemas that can be stored, all of which have to compile, and the ways in which one cannot.
import { expectTypeOf } from 'expect-type'
import { createSession, type CheckBothWays, type CheckSchema, type CheckStorable } from 'fastify-typed-session'
import { date, mapOf, setOf } from 'fastify-typed-session/codecs'
import { z } from 'zod'
import * as mini from 'zod/mini'

const secret = Buffer.alloc(32)
const category = z.object({ name: z.string(), get children () { return z.array(category) } })
const anything = z.object({ value: z.unknown(), get children () { return z.array(anything) } })
interface Tree { name: string, children?: Tree[] | undefined }
const tree: z.ZodType<Tree, Tree> = z.object({ name: z.string(), get children () { return z.array(tree).optional() } })
const schema = z.object({
  tree: tree.optional(),
  optional: z.string().optional(),
  cart: z.array(z.object({ sku: z.string(), qty: z.int() })).default([]),
  prefault: z.object({ x: z.string().trim() }).prefault({ x: '' }),
  date: date().optional(),
  map: mapOf(z.string(), date()).optional(),
  tags: setOf(z.string()).optional(),
  union: z.union([z.string(), z.number()]).optional(),
  state: z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b'), n: z.number() })]).optional(),
  record: z.record(z.string(), z.number()).optional(),
  partial: z.partialRecord(z.enum(['a', 'b']), z.string()).optional(),
  nested: z.array(z.array(z.tuple([z.string(), z.number()]))).default(() => []),
  any: z.any().optional(),
  unknown: z.unknown().optional(),
  json: z.json().optional(),
  category: category.optional(),
  anything: anything.optional(),
  brand: z.string().brand<'brand'>().optional(),
  enum: z.enum(['a', 'b']).default('a'),
  template: z.templateLiteral(['a', z.number()]).optional(),
  nullable: z.string().nullable().default(null),
  loose: z.looseObject({ a: z.string() }).optional(),
  catchall: z.object({}).catchall(z.json()).optional(),
  coerced: z.coerce.number().optional(),
  stringbool: z.stringbool().optional(),
  readonly: z.array(z.string()).readonly().optional(),
  never: z.never().optional(),
  deep: z.object({ deeper: z.array(z.object({ deepest: z.unknown() })) }).optional(),
  custom: z.custom<`${string}!`>().optional(),
  both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })).optional()
})

export const handle = createSession(schema, { secret, rotateOn: ['optional'], hooks: { onSave ({ data }) { expectTypeOf(data.cart).toEqualTypeOf<{ sku: string, qty: number }[]>() } } })
type AppSession = typeof handle.$infer
expectTypeOf<AppSession>().not.toBeAny()
expectTypeOf<AppSession['optional']>().toEqualTypeOf<string | undefined>()
expectTypeOf<AppSession['cart']>().toEqualTypeOf<{ sku: string, qty: number }[]>()
expectTypeOf<AppSession['date']>().toEqualTypeOf<Date | undefined>()
expectTypeOf<AppSession['map']>().toEqualTypeOf<Map<string, Date> | undefined>()
expectTypeOf<AppSession['unknown']>().toEqualTypeOf<unknown>()
// @ts-expect-error no such key
export type Typo = AppSession['optinal']

createSession(z.looseObject({ a: z.string().optional() }), { secret })
createSession(z.object({ a: z.string().optional() }).catchall(z.unknown()), { secret })
createSession(z.record(z.string(), z.json()), { secret })
createSession(z.object({ a: z.string() }).default({ a: '' }), { secret })
createSession(z.object({ a: z.string() }).prefault({ a: '' }), { secret })
createSession(mini.object({ a: mini.optional(mini.string()) }), { secret })
export const states = createSession(z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b'), value: z.unknown().optional() })]), { secret, initial: { kind: 'a' } })
expectTypeOf<typeof states.$infer.kind>().toEqualTypeOf<'a' | 'b'>()

class Account { readonly #name = 'Ann'; name () { return this.#name } }
const dated = z.object({ at: z.date(), get left () { return dated.optional() }, get right () { return dated.optional() } })
export const refused = {
  dated,
  date: z.object({ at: z.date() }),
  several: z.object({ ids: z.set(z.string()).optional(), names: z.map(z.string(), z.string()).optional(), ok: z.unknown() }),
  inside: z.object({ cart: z.array(z.object({ added: z.date() })).default([]) }),
  record: z.object({ seen: z.record(z.string(), z.bigint()).default({}) }),
  loose: z.looseObject({ at: z.date().optional(), json: z.json().optional() }),
  catchall: z.object({ name: z.string() }).catchall(z.date()),
  union: z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b'), home: z.instanceof(URL) })]),
  promise: z.object({ soon: z.promise(z.string()).optional() }),
  file: z.object({ upload: z.file().optional() }),
  instance: z.object({ account: z.instanceof(Account).optional() }),
  bytes: z.object({ key: z.instanceof(Uint8Array).optional() }),
  function: z.object({ run: z.function() }),
  symbol: z.object({ tag: z.symbol() }),
  items: z.object({ list: z.array(z.string().optional()) }),
  text: z.codec(z.string(), z.object({ a: z.string() }), { decode: (a) => ({ a }), encode: ({ a }) => a }),
  reserved: z.object({ save: z.date() })
}
const both = z.string().pipe(z.email())
export const oneWay = {
  transform: z.object({ at: both, age: z.string().transform(Number).optional() }),
  preprocess: z.object({ list: z.array(z.object({ name: z.preprocess(String, z.string()) })).default([]) }),
  states: z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b'), pair: z.tuple([z.string(), z.string().transform(Number)]) })]),
  record: z.object({ seen: z.record(z.string(), z.string().transform(Number).nullable()) }),
  intersection: z.object({ both: z.intersection(z.object({ a: both }), z.object({ b: z.string().transform(Number) })) }),
  mini: mini.object({ age: mini.optional(mini.pipe(mini.string(), mini.transform(Number))) })
}
type Refused = typeof refused
type Beginning<Text> = Text extends `${infer Said} of fastify-typed-session/codecs` ? Said : Text
type Said<K extends keyof Refused> = Beginning<CheckStorable<Refused[K]>>
expectTypeOf<CheckStorable<typeof schema>>().toEqualTypeOf<unknown>()
expectTypeOf<Said<'date'>>().toEqualTypeOf<'session.at cannot be stored as JSON: use a codec, date()'>()
expectTypeOf<Said<'several'>>().toEqualTypeOf<'session.ids cannot be stored as JSON: use a codec, setOf()' | 'session.names cannot be stored as JSON: use a codec, mapOf()'>()
expectTypeOf<Said<'inside'>>().toEqualTypeOf<'session.cart[].added cannot be stored as JSON: use a codec, date()'>()
expectTypeOf<Said<'record'>>().toEqualTypeOf<'session.seen.* cannot be stored as JSON: use a codec, bigint()'>()
expectTypeOf<Said<'loose'>>().toEqualTypeOf<'session.at cannot be stored as JSON: use a codec, date()'>()
expectTypeOf<Said<'catchall'>>().toEqualTypeOf<'session.* cannot be stored as JSON: use a codec, date()'>()
expectTypeOf<Said<'union'>>().toEqualTypeOf<'session.home cannot be stored as JSON: use a codec, url()'>()
expectTypeOf<Said<'instance'>>().toEqualTypeOf<'session.account cannot be stored as JSON: use a codec, for instance one'>()
expectTypeOf<Said<'promise'>>().toEqualTypeOf<'session.soon cannot be stored as JSON: use a codec, for instance one'>()
expectTypeOf<Said<'file'>>().toEqualTypeOf<'session.upload cannot be stored as JSON: use a codec, for instance one'>()
expectTypeOf<Said<'bytes'>>().toEqualTypeOf<'session.key cannot be stored as JSON: use a codec, bytes()'>()
expectTypeOf<Said<'function'>>().toEqualTypeOf<'session.run cannot be stored as JSON: use a codec, for instance one'>()
expectTypeOf<Said<'symbol'>>().toEqualTypeOf<'session.tag cannot be stored as JSON: use a codec, for instance one'>()
expectTypeOf<Said<'items'>>().toEqualTypeOf<'session.list[] cannot be stored as JSON: its items may be undefined, use .nullable() instead'>()
expectTypeOf<Said<'text'>>().toEqualTypeOf<'The session is not stored as a JSON object: wrap its schema in z.object()'>()
expectTypeOf<Said<'dated'> extends `session.${string} cannot be stored as JSON: use a codec, date()` ? true : false>().toEqualTypeOf<true>()
expectTypeOf<CheckSchema<Refused['reserved']>>().toEqualTypeOf<'The session has a member of its own named save: choose another key'>()

type OneWay<K extends keyof typeof oneWay> = CheckSchema<(typeof oneWay)[K]> extends `${infer Path} cannot be encoded, a transform or preprocess works in one direction only: use z.codec()` ? Path : never
expectTypeOf<CheckBothWays<typeof schema>>().toEqualTypeOf<unknown>()
expectTypeOf<OneWay<'transform'>>().toEqualTypeOf<'session.age'>()
expectTypeOf<OneWay<'preprocess'>>().toEqualTypeOf<'session.list[].name'>()
expectTypeOf<OneWay<'states'>>().toEqualTypeOf<'session.pair[]'>()
expectTypeOf<OneWay<'record'>>().toEqualTypeOf<'session.seen.*'>()
expectTypeOf<OneWay<'intersection'>>().toEqualTypeOf<'session.both.b'>()
expectTypeOf<OneWay<'mini'>>().toEqualTypeOf<'session.age'>()
expectTypeOf<CheckBothWays<any>>().toEqualTypeOf<unknown>()
