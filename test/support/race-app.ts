import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import type { InferSession, SessionStore } from '../../types/index.js'

const schema = z.object({
  a: z.string().optional(),
  b: z.string().optional(),
  list: z.array(z.string()).default(() => []),
  notes: z.array(z.string()).default(() => []),
  count: z.int().default(0),
  userId: z.string().optional()
})
type Session = InferSession<typeof schema>

/** What every race begins with. */
export const initial = { a: 'a0', b: 'b0', list: ['l0'], notes: ['n0'], count: 0 }

export interface RaceSettings {
  readonly idleTimeout?: number
  readonly absoluteTimeout?: number
  readonly touchAfter?: number
  readonly rotateEvery?: number
  readonly rotationGrace?: number
}

/** What one request does to the session; `value` occurs nowhere else. */
export const operations = {
  read () {},
  writeA (session: Session, value: string) { session.a = value },
  writeB (session: Session, value: string) { session.b = value },
  deleteA (session: Session) { session.delete('a') },
  pushList (session: Session, value: string) { session.list.push(value) },
  pushNotes (session: Session, value: string) { session.notes.push(value) },
  touch (session: Session) { session.touch() },
  add: async (session: Session, _value: string, seen: (userId: string | undefined) => void) => await session.update((data) => {
    seen(data.userId)
    data.count++
  }),
  async saveAThenB (session: Session, value: string) {
    session.a = value
    await session.save()
    session.b = value
  },
  async rotate (session: Session) { await session.rotate() },
  login (session: Session, value: string) { session.userId = value },
  async destroy (session: Session) { await session.destroy() }
} satisfies Record<string, (session: Session, value: string, seen: (userId: string | undefined) => void) => void | Promise<void>>

export type Operation = keyof typeof operations

export interface Answer {
  readonly status: number
  readonly code: string | null
  /** `null`: none was set; `''`: it was removed. */
  readonly cookie: string | null
  /** When the handler began. */
  readonly isNew: boolean
  /** Every `userId` that the handler saw and did not write. */
  readonly users: ReadonlyArray<string | undefined>
  readonly data: Record<string, unknown>
}

export interface RaceApp {
  /** The keys that were lost because they were changed after the save, so far. */
  readonly lost: string[]
  send (operation: Operation | 'begin', token: string | null, value?: string): Promise<Answer>
  close (): Promise<void>
}

/** An application with one route for each operation. */
export function raceApp (store: SessionStore | null, settings: RaceSettings = {}): RaceApp {
  const app = Fastify()
  const lost: string[] = []
  const handle = createSession(schema, {
    secret: randomBytes(32),
    ...(store !== null && { store }),
    storeTimeout: 60,
    rotateOn: ['userId'],
    merge: { list: ({ base, theirs, ours }) => [...theirs, ...ours.filter((item) => !base.includes(item))] },
    hooks: { onReject: ({ reason, paths }) => { if (reason === 'changed-too-late') lost.push(...paths) } },
    ...settings
  })
  app.register(handle.plugin)
  app.post('/begin', async (request) => {
    handle.get(request).replace(structuredClone(initial))
  })
  app.post<{ Params: { operation: Operation }, Querystring: { value: string } }>('/:operation', async (request, reply) => {
    const session = handle.get(request)
    const users: Array<string | undefined> = []
    // In headers, because an error keeps them.
    const see = (userId: string | undefined) => {
      if (userId !== request.query.value) users.push(userId)
      reply.header('x-users', JSON.stringify(users))
    }
    reply.header('x-new', String(session.isNew))
    see(session.userId)
    await operations[request.params.operation](session, request.query.value, see)
    see(session.userId)
    return session.data()
  })
  return {
    lost,
    async send (operation, token, value = 'x') {
      const response = await app.inject({
        method: 'POST',
        url: `/${operation}?value=${value}`,
        headers: token === null ? {} : { cookie: `__Host-Http-session=${token}` }
      })
      const body = JSON.parse(response.body || '{}') as Record<string, unknown>
      const { 'x-new': isNew, 'x-users': users = '[]' } = response.headers as Record<string, string>
      return {
        status: response.statusCode,
        code: response.statusCode === 200 ? null : String(body.code),
        cookie: response.cookies.find(({ name }) => name === '__Host-Http-session')?.value ?? null,
        isNew: isNew !== 'false',
        users: (JSON.parse(users) as Array<string | null>).map((user) => user ?? undefined),
        data: body
      }
    },
    close: async () => await app.close()
  }
}
