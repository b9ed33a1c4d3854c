import type { Test } from 'tap'
import type { Adopter } from '../../types/index.js'
import { type AppOptions, buildApp, type Client } from './app.js'

interface OldSession { readonly data: Record<string, unknown>, readonly createdAt?: Date }
type Options = Partial<Pick<Adopter<object>, 'cookie' | 'until' | 'ending'>>

/** A system that was here before: its sessions by the value of its cookie, and what it was asked. */
export class OldSystem {
  readonly sessions = new Map<string, OldSession>()
  readonly reads: string[] = []
  readonly forgotten: string[] = []
  /** Run before each answer; may throw. */
  before: (call: 'read' | 'forget') => void | Promise<void> = () => {}

  /** `forgets: false`: the cookie is all there is. */
  adopter (options: Options = {}, { forgets = true } = {}): Adopter<object> {
    const forget = async (value: string) => {
      await this.before('forget')
      this.forgotten.push(value)
      this.sessions.delete(value)
    }
    return {
      cookie: 'old',
      until: new Date(Date.now() + 30 * 86_400_000),
      ...options,
      read: async (value) => {
        this.reads.push(value)
        await this.before('read')
        return this.sessions.get(value) ?? null
      },
      ...(forgets && { forget })
    }
  }
}

/** An application that adopts the sessions of another system, and a visitor whom that one knows as Ann. */
export async function adoptingApp (t: Pick<Test, 'teardown'>, options: AppOptions, adopterOptions: Options = {}, forgets = true) {
  const old = new OldSystem()
  old.sessions.set('ann-1', { data: { userId: 'ann', visits: 7 } })
  const built = await buildApp(t, { adopt: [old.adopter(adopterOptions, { forgets }) as never], ...options })
  const { app, newClient } = built
  app.get('/read', async ({ session }) => ({ ...session.data(), isNew: session.isNew, id: session.id, createdAt: session.createdAt, authenticatedAt: session.authenticatedAt }))
  app.get('/visit', async ({ session }) => { await session.update((data) => { data.visits++ }) })
  app.get('/note', async ({ session }) => { session.note = 'x' })
  app.get('/ignore', async () => 'ok')
  app.get('/login', async ({ session }) => { session.userId = 'bob' })
  app.get('/logout', async ({ session }) => { await session.destroy() })
  app.get('/public', async ({ session }, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return session.visits
  })
  app.get('/none', { config: { session: false } }, async () => 'ok')
  app.get('/back', { config: { session: { begin: false } } }, async ({ session }) => ({ userId: session.userId ?? null }))
  app.get('/back-out', { config: { session: { begin: false } } }, async ({ session }) => { await session.destroy() })
  /** A browser that the old system knows, and nobody else. */
  const visitor = (value = 'ann-1'): Client => {
    const client = newClient()
    client.jar.set('old', value)
    return client
  }
  const userOf = async (client: Client) => (await client.get('/read')).json().userId as string | undefined
  return { ...built, old, visitor, userOf }
}
