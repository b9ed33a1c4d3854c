import t from 'tap'
import { z } from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date } from '../../../lib/codecs.js'

const reserved = new Set<string>()
const codecOf = (schema: z.ZodType<Record<string, unknown>>) => createCodec(schema, { reserved })
const secret = 'hunter2'

function refusal (schema: z.ZodType<Record<string, unknown>>, live: object): string {
  try {
    codecOf(schema).encode(live)
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

/** What the author of a schema wrote, what is said of it. */
const SAID: Readonly<Record<string, [value: z.ZodType, reason: RegExp]>> = {
  'a literal of a refine': [z.string().refine(() => false, 'has to be better').optional(), /k \(has to be better\)/],
  'a literal in an object': [z.string().refine(() => false, { message: 'has to be better' }).optional(), /k \(has to be better\)/],
  'a literal of a format': [z.email('no address').optional(), /k \(no address\)/],
  'a literal of a type': [z.int({ error: 'a number, please' }).optional(), /k \(a number, please\)/],
  'a long literal': [z.string().refine(() => false, 'x'.repeat(500)).optional(), /k \(x{200}\)$/],
  'no message of its own': [z.string().refine(() => false).optional(), /k \(refine\)/],
  'no message of its own, of a format': [z.email().optional(), /k \(invalid format\)/],
  'a message made of the value': [z.string().refine(() => false, { error: ({ input }) => `not ${String(input)}` }).optional(), /k \(refine\)/],
  'a message that superRefine made': [z.string().superRefine((value, context) => { context.addIssue({ code: 'custom', message: `not ${value}` }) }).optional(), /k \(refine\)/],
  'a message that may be none': [z.string().refine(() => false, { error: () => undefined }).optional(), /k \(refine\)/]
}

for (const [title, [value, reason]] of Object.entries(SAID)) {
  t.test(`a value that fails ${title} is refused with the author's literal or the kind of check, never with the value`, async (t) => {
    const message = refusal(z.object({ k: value }), { k: secret })
    t.match(message, reason)
    t.notMatch(message, secret)
  })
}

t.test('a schema that would rewrite a value at each save again is refused, one that settles is not', async (t) => {
  t.throws(() => codecOf(z.object({ price: z.number().overwrite((n) => n * 2).default(1) })), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /price \(would be read back as something else\)/ })
  t.match(refusal(z.object({ note: z.string().overwrite((s) => `${s}!`).optional() }), { note: 'hi' }), /note \(would be read back as something else\)/)
  const settling = z.object({ name: z.string().trim().toLowerCase().optional(), n: z.number().overwrite(Math.round).optional(), at: date().optional() })
  t.strictSame(codecOf(settling).encode({ name: ' Ann ', n: 1.4, at: new Date(0) }).data, { name: 'ann', n: 1, at: '1970-01-01T00:00:00.000Z' })
})

t.test('_csrf can be declared only where it may be absent, because a sign-in takes it away', async (t) => {
  for (const value of [z.string().default('x'), z.string().catch('x')]) {
    t.throws(() => codecOf(z.object({ _csrf: value })), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /session\._csrf: .* Make it \.optional\(\)/ })
  }
  for (const schema of [z.object({ _csrf: z.string().optional() }), z.object({}), z.record(z.string(), z.string())]) t.doesNotThrow(() => codecOf(schema))
})
