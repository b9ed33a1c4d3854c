import * as z from 'zod'
import { createCodec } from '../../lib/schema/codec.js'
import { date, mapOf } from '../../lib/codecs.js'

// Run by codec-node-flags.test.ts in a process with other flags. Every line that is printed is one that holds.
const codec = createCodec(z.object({ any: z.any().optional(), at: date().optional(), map: mapOf(z.string(), z.json()).optional() }), { reserved: new Set(), undeclaredKeys: ['flash'] })
const hostile = JSON.parse('{"__proto__":{"polluted":true}}')

function throws (expression: () => unknown): boolean {
  try {
    expression()
    return false
  } catch {
    return true
  }
}

const live = { any: { list: [1] }, at: new Date(0), map: new Map([['a', [{}]]]), flash: { a: 1 } }
const facts: Record<string, boolean> = {
  'new Function throws': throws(() => new Function('return 1')), // eslint-disable-line no-new-func
  '__proto__ throws': throws(() => ({} as { __proto__: unknown }).__proto__), // eslint-disable-line no-proto
  'what is written is read': (decoded => decoded.ok && !codec.differs(live, decoded.data))(codec.decode(JSON.parse(JSON.stringify(codec.encode(live))))),
  'hostile data is not ok': !codec.decode({ data: hostile }).ok && !codec.decode({ data: { any: [hostile] } }).ok && !codec.decode({ data: {}, extra: { flash: hostile } }).ok,
  'hostile data is salvaged without its keys': (decoded => decoded.ok && Object.keys(decoded.data).length === 0)(codec.salvage({ data: hostile, extra: hostile })),
  'hostile data is not written': throws(() => codec.encode({ any: hostile })) && throws(() => codec.encode(hostile)),
  'hostile data can be copied': Object.getPrototypeOf(codec.copy({ any: hostile }).any) === Object.prototype
}
for (const [fact, holds] of Object.entries(facts)) if (holds) console.log(fact)
