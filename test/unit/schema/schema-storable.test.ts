import t from 'tap'
import * as z from 'zod'
import * as mini from 'zod/mini'
import type { $ZodType, $ZodTypeDef } from 'zod/v4/core'
import { createCodec } from '../../../lib/schema/codec.js'
import { bigint, bytes, date, mapOf, setOf, url } from '../../../lib/codecs.js'
import { inspectSchema } from '../../../lib/schema/inspect.js'

type Case = [schema: $ZodType, problem: RegExp | null]
const inspect = (schema: $ZodType) => inspectSchema(z.object({ a: schema }), new Set())

// A record over Zod's own list of kinds: a kind that Zod adds or renames does not compile here.
const kinds: Record<$ZodTypeDef['type'], Case[]> = {
  string: [[z.string(), null], [z.coerce.string(), null], [z.iso.datetime(), null], [z.stringFormat('f', /a/), null]],
  number: [[z.number(), null], [z.coerce.number(), null]],
  int: [[z.int(), null]],
  boolean: [[z.boolean(), null]],
  bigint: [[z.bigint(), /^session\.a: z\.bigint\(\) cannot be stored as JSON\. Use bigint\(\) from fastify-typed-session\/codecs$/]],
  symbol: [[z.symbol(), /session\.a: z\.symbol\(\)/]],
  null: [[z.null(), null]],
  undefined: [[z.undefined(), /session\.a: z\.undefined\(\).*\.optional\(\)/]],
  void: [[z.void(), /session\.a: z\.void\(\)/]],
  never: [[z.never().optional(), null]],
  any: [[z.any(), null]],
  unknown: [[z.unknown(), null]],
  date: [[z.date(), /^session\.a: z\.date\(\) cannot be stored as JSON\. Use date\(\) from fastify-typed-session\/codecs$/], [z.coerce.date(), /Use date\(\)/]],
  object: [[z.object({ b: z.date() }), /^session\.a\.b: /], [z.looseObject({}), null], [z.object({}).catchall(z.date()), /^session\.a\.\*: /]],
  record: [[z.record(z.string(), z.number()), null], [z.record(z.string(), z.date()), /^session\.a\.\*: /]],
  file: [[z.file(), /session\.a: z\.file\(\)/]],
  array: [[z.array(z.string()), null], [z.array(z.date()), /^session\.a\[\]: /], [z.array(z.string().optional()), /^session\.a: an item that is undefined/], [z.array(z.string().default('x')), null]],
  tuple: [
    [z.tuple([z.string()], z.number()), null], [z.tuple([z.string(), z.date()]), /^session\.a\[1\]: /], [z.tuple([z.string()], z.date()), /^session\.a\[…\]: /],
    [z.tuple([z.string(), z.string().optional()]), /an item that is undefined/], [z.tuple([z.string()], z.string().optional()), /an item that is undefined/]
  ],
  union: [[z.union([z.string(), z.number()]), null], [z.union([z.string(), z.date()]), /^session\.a\|1: /], [z.discriminatedUnion('k', [z.object({ k: z.literal('x'), d: z.date() })]), /^session\.a\|0\.d: /]],
  intersection: [[z.object({ x: z.string() }).and(z.object({ y: z.date() })), /^session\.a\.y: /], [z.object({ x: z.date() }).and(z.object({})), /^session\.a\.x: /]],
  map: [[z.map(z.string(), z.date()), /^session\.a: z\.map\(\).*mapOf\(key, value\).*\n.*session\.a\.\*: z\.date/s]],
  set: [[z.set(z.date()), /^session\.a: z\.set\(\).*setOf\(item\).*\n.*session\.a<item>: z\.date/s]],
  enum: [[z.enum(['x', 'y']), null]],
  literal: [[z.literal(['x', 1, null]), null], [z.literal([undefined]), /the literal undefined.*\.optional\(\)/], [z.literal(1n), /bigint literal.*bigint\(\)/]],
  nullable: [[z.string().nullable(), null], [z.date().nullable(), /^session\.a: z\.date/]],
  optional: [[z.string().optional(), null], [z.date().optional(), /^session\.a: z\.date/], [z.date().exactOptional(), /^session\.a: z\.date/]],
  nonoptional: [[z.string().optional().nonoptional(), null], [z.date().nonoptional(), /^session\.a: z\.date/]],
  success: [[z.success(z.string()), /one direction only/]],
  transform: [[z.string().transform(Number), /^session\.a: a transform or preprocess works in one direction only\. Use z\.codec\(\)/], [z.preprocess(String, z.string()), /one direction only/]],
  default: [[z.string().default('x'), null], [z.date().default(() => new Date()), /^session\.a: z\.date/]],
  prefault: [[z.string().prefault('x'), null], [z.date().prefault(() => new Date()), /^session\.a: z\.date/]],
  catch: [[z.string().catch('x'), null], [z.date().catch(() => new Date()), /^session\.a: z\.date/]],
  nan: [[z.nan(), /z\.nan\(\).*nullable/]],
  pipe: [
    [z.string().pipe(z.email()), null], [date(), null], [bigint(), null], [mapOf(z.string(), date()), null], [setOf(date()), null], [bytes(), null], [url(), null], [z.stringbool(), null],
    [z.codec(z.date(), z.string(), { decode: String, encode: text => new Date(text) }), /^session\.a: z\.date/], [date().pipe(z.date()), null]
  ],
  readonly: [[z.array(z.string()).readonly(), null], [z.array(z.date()).readonly(), /^session\.a\[\]: z\.date/]],
  template_literal: [[z.templateLiteral(['a', z.number()]), null]],
  promise: [[z.promise(z.string()), /z\.promise\(\).*Await/]],
  lazy: [[z.lazy(() => z.string()), null], [z.lazy(() => z.date()), /^session\.a: z\.date/]],
  function: [[z.function() as unknown as $ZodType, /z\.function\(\)/]],
  custom: [
    [z.custom<`${number}px`>(text => /^\d+px$/.test(String(text))), null], [z.instanceof(URL), /an instance of URL.*url\(\)/], [z.instanceof(Uint8Array), /an instance of Uint8Array.*bytes\(\)/],
    [z.instanceof(class Money {}), /an instance of Money.*z\.codec\(\) to JSON/]
  ]
}

for (const [kind, cases] of Object.entries(kinds)) {
  t.test(`${kind}: what can be stored is accepted, what cannot is refused with path and remedy`, async t => {
    for (const [schema, problem] of cases) {
      const text = inspect(schema).problems.join('\n')
      if (problem === null) t.equal(text, '')
      else t.match(text, problem)
    }
    if (kind !== 'int') t.ok(cases.some(([schema]) => kindsOf(schema).includes(kind)), 'the kind is what Zod calls it')
  })
}

t.test('schemas of zod/mini are inspected alike', async t => {
  t.same(inspect(mini.optional(mini.array(mini.string()))).problems, [])
  t.match(inspect(mini.optional(mini.array(mini.date()))).problems[0], /^session\.a\[\]: z\.date/)
  t.match(inspect(mini.pipe(mini.string(), mini.transform(Number))).problems[0], /one direction only/)
})

t.test('a recursive schema is walked once, a schema without end is refused', async t => {
  const tree: $ZodType = z.object({ value: z.date(), get children () { return z.array(tree as z.ZodObject) } })
  t.equal(inspect(tree).problems.length, 1)
  const endless = (): $ZodType => z.lazy(endless)
  t.match(inspect(endless()).problems[0], /the schema has no end/)
})

t.test('everything that is wrong is said at once', async t => {
  const schema = z.object({ a: z.date(), b: z.object({ c: z.bigint() }), d: z.array(z.string()).catch([]), save: z.string().optional() })
  t.throws(() => createCodec(schema as never, { reserved: new Set(['save']) }), {
    code: 'FST_TYPED_SESSION_INVALID_SCHEMA',
    message: /session\.a: .*session\.b\.c: .*session\.d: .*session\.save: /
  })
})

function kindsOf (schema: $ZodType): string[] {
  const def = schema._zod.def as $ZodTypeDef & { innerType?: $ZodType, in?: $ZodType, out?: $ZodType }
  return [def.type, ...[def.innerType, def.in, def.out].filter(inner => inner !== undefined).flatMap(kindsOf)]
}
