import type { FastifyReply, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import deviceBound, { type DeviceBoundOptions } from '../../lib/device-bound.js'
import { requireBound } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, type AppSession, buildApp } from './app.js'
import { FakeBrowser } from './fake-browser.js'
import { FaultyStore } from './faulty-store.js'

export const BOUND = '__Secure-session-bound'
export const LIFE = 600_000
/** Milliseconds after which a request without the bound cookie cannot have been under way when the browser registered. */
export const GRACE = 10_000

/** An application that binds its sessions, with routes that do things to them, and `/do/…` for others (`does`). `immediate`: its store answers at once. */
export async function deviceApp (t: Pick<Test, 'teardown'>, { immediate = false, ...options }: AppOptions & { readonly immediate?: boolean }, device: DeviceBoundOptions = {}) {
  const spy = new FaultyStore(options.store ?? options.revocations ?? memoryStore())
  const kept = immediate ? { store: memoryStore() } : options.revocations === undefined && options.backend !== 'revocable' ? { store: spy } : { revocations: spy }
  const built = await buildApp(t, { ...options, backend: 'cookie', ...kept })
  const { app } = built
  await app.register(deviceBound, device)
  app.get('/login', async ({ session, query }) => { session.userId = (query as { user?: string }).user ?? 'ann' })
  app.get('/again', async ({ session }) => await session.reauthenticated())
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/logout', async ({ session }) => await session.destroy())
  app.get('/leave', async ({ session }) => { delete session.userId })
  app.get('/visit', async ({ session }) => await session.update((data) => { data.visits++ }))
  app.get('/me', async ({ session }) => ({ user: session.userId ?? null, visits: session.visits, device: session.device, isNew: session.isNew }))
  app.get('/bound', { preHandler: requireBound() }, async () => 'bound')
  app.get('/public', async () => 'public')
  app.get('/without', { config: { session: false } }, async () => 'without')
  const does: Record<string, (request: { readonly session: AppSession }, reply: FastifyReply) => unknown> = {}
  app.get<{ Params: { what: string } }>('/do/:what', async (request, reply) => await does[request.params.what]?.(request as never, reply))
  const inject = async (request: InjectOptions) => await app.inject(request)
  const browser = (how?: ConstructorParameters<typeof FakeBrowser>[1]) => new FakeBrowser(inject, how)
  /** Another computer with what was stolen: the cookies, or those of these names. */
  const thief = (of: FakeBrowser, names = [...of.cookies.keys()]) => {
    const other = browser()
    for (const name of names) other.cookies.set(name, { value: of.cookies.get(name)?.value ?? '', until: Infinity })
    return other
  }
  const user = async (by: FakeBrowser) => (await by.bare({ url: '/me' })).json().user as string | null
  return { ...built, does, spy, browser, thief, user }
}

/** Somebody whose session is bound by now. */
export async function signedIn (scene: Pick<Awaited<ReturnType<typeof deviceApp>>, 'browser'>, how?: ConstructorParameters<typeof FakeBrowser>[1], url = '/login'): Promise<FakeBrowser> {
  const browser = scene.browser(how)
  await browser.get(url)
  if (browser.sessions.size !== 1) throw new Error(`the session was not bound: ${browser.answers.map(({ statusCode }) => statusCode).join()}`)
  return browser
}
