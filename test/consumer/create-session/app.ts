import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import { createSession, requireSession, type RequestLike, type SessionPolicy } from 'fastify-typed-session'
import { sessionCookie } from 'fastify-typed-session/testing'
import { z } from 'zod'

const secret = Buffer.alloc(32)
export const visitor = createSession(z.object({ theme: z.enum(['light', 'dark']).default('light') }), { secret })
export const admin = createSession(
  z.object({ level: z.int().default(0), note: z.string().nullable().optional(), team: z.string().optional() }),
  { secret, name: 'adminSession', rotateOn: ['level'], hooks: { onSave ({ data }) { expectTypeOf(data.level).toEqualTypeOf<number>() } } }
)

declare module 'fastify-typed-session' {
  interface Register { adminSession: typeof admin.schema }
}

export type AdminSession = typeof admin.$infer

const app = fastify()
app.register(visitor.plugin)
app.register(admin.plugin)

app.get('/', async (request) => {
  expectTypeOf(visitor.get(request)).not.toBeAny()
  expectTypeOf(visitor.get(request).theme).toEqualTypeOf<'light' | 'dark'>()
  expectTypeOf(admin.get(request)).toEqualTypeOf<AdminSession>()
  expectTypeOf(request.adminSession).toEqualTypeOf<AdminSession>()
  // @ts-expect-error only the admin session is in Register
  request.session.theme // eslint-disable-line @typescript-eslint/no-unused-expressions
  // @ts-expect-error a key of the other session
  admin.get(request).theme // eslint-disable-line @typescript-eslint/no-unused-expressions
})

app.get('/note', requireSession(admin, 'note', 'team'), async (request) => {
  expectTypeOf(admin.get(request).note).toEqualTypeOf<string>()
  expectTypeOf(admin.get(request).team).toEqualTypeOf<string>()
  expectTypeOf(admin.get(request).level).toEqualTypeOf<number>()
  expectTypeOf(visitor.get(request).theme).toEqualTypeOf<'light' | 'dark'>()
  admin.get(request).delete('note')
})
app.get('/off', { config: { adminSession: false } }, async () => 'no admin session here')

expectTypeOf(app.adminSessions.policy()).toEqualTypeOf<SessionPolicy>()
expectTypeOf((await admin.sessions(app).open('a=b'))?.data.level).toEqualTypeOf<number | undefined>()
expectTypeOf((await admin.open('a=b'))?.data.level).toEqualTypeOf<number | undefined>()
expectTypeOf((await visitor.open(new Request('https://a.example/').headers.get('cookie')))?.data.theme).toEqualTypeOf<'light' | 'dark' | undefined>()
await sessionCookie(app, { level: 2 }, admin)
// @ts-expect-error wrong type
await sessionCookie(app, { level: 'two' }, admin)

const http2 = fastify({ http2: true })
http2.get('/', requireSession(admin, 'team'), async (request) => {
  const like: RequestLike = request
  expectTypeOf(admin.get(like).team).toEqualTypeOf<string | undefined>()
  expectTypeOf(admin.get(request).team).toEqualTypeOf<string>()
})

// @ts-expect-error there is no secret
createSession(z.object({}), {})
// @ts-expect-error an array is no session
createSession(z.array(z.string()), { secret })
// @ts-expect-error nor is null
createSession(z.object({}).nullable(), { secret })
createSession(z.object({ userId: z.string() }), { secret, initial: { userId: '' } })
createSession(z.object({ userId: z.string() }), { secret, initial: () => ({ userId: '' }) })
createSession(z.object({ userId: z.string() }).prefault({ userId: '' }), { secret })
