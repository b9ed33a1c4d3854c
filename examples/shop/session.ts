import { z } from 'zod'

/** What the shop remembers of a visitor. */
export const schema = z.object({
  cart: z.array(z.object({ sku: z.string(), qty: z.int().positive() })).default([]),
  visits: z.int().nonnegative().default(0),
  theme: z.enum(['light', 'dark']).default('light'),
  user: z.string().optional(),
  // Holds until the session ends: who is no longer an administrator must not keep old sessions (destroyAll).
  admin: z.literal(true).optional(),
  notice: z.string().optional(),
  /** The page that somebody was sent away from to sign in. */
  returnTo: z.string().optional()
})

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}
