import { z } from 'zod'
import { bigint, date, mapOf, setOf } from 'fastify-typed-session/codecs'

export const schema = z.object({
  cart: z.array(z.object({ sku: z.string(), qty: z.int() })).default([]),
  userId: z.string().optional(),
  theme: z.enum(['light', 'dark']).default('light'),
  lastSeen: date().optional(),
  balance: bigint().optional(),
  tags: setOf(z.string()).optional(),
  stock: mapOf(z.string(), z.int()).optional()
})

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}
