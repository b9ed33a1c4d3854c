import fastifyCookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SessionStore } from '../../types/index.js'
import { commit } from '../request/save.js'
import { readCookie } from '../http/cookie.js'
import { Disabled, HeadersSent, InvalidOption, NotAssignable, NotReady } from '../errors.js'
import { expectEnd } from '../request/late-changes.js'
import type { Data } from '../session/merge.js'
import { hasGone } from '../request/plan.js'
import { hasForeignCookie, isCacheable, sendCookie, takeCookieBack, unpackResponse, varyByCookie } from '../http/headers.js'
import { checkRoute, type Guard } from '../guards/route-options.js'
import { checkRoutes, unwiredGuard } from '../guards/wiring.js'
import type { Runtime } from '../request/runtime.js'
import type { Session } from '../session/session.js'
import { createRuntime } from './setup.js'
import { SessionControl } from './control.js'
import { startSweeper } from './sweeper.js'
import { Visit } from '../request/visit.js'

const DISABLED = Symbol('disabled')
type Slot = Visit | typeof DISABLED | null

/** Registers one session: `request.<name>`, and `app.<name>s`. */
export async function sessionPlugin (app: FastifyInstance, options: object): Promise<void> {
  if (!app.hasDecorator('serializeCookie')) await app.register(fastifyCookie)
  const runtime = await createRuntime(app, options)
  const { name, cookie, onStoreError } = runtime.settings
  if (app.hasRequestDecorator(name)) throw new InvalidOption('name', `request.${name} exists already: give this session another name, or remove the other plugin`)
  if (`${name}s` in app) throw new InvalidOption('name', `app.${name}s exists already: give this session another name`)
  const cookieTaken = Symbol.for(`fastify-typed-session ${cookie.name}`)
  if (app.hasDecorator(cookieTaken)) throw new InvalidOption('cookie.name', `another session of this instance has ${cookie.name} already`)
  app.decorate(cookieTaken, true)
  const slot = Symbol(`${name} of this request`)
  const slotOf = (request: object) => (request as Record<symbol, Slot>)[slot] ?? null
  const visitOf = (request: object) => {
    const visit = slotOf(request)
    return visit === DISABLED ? null : visit
  }

  app.decorateRequest(slot, null)
  app.decorateRequest(name as string, {
    getter (this: FastifyRequest): Session {
      const visit = slotOf(this)
      if (visit === null) throw new NotReady(name)
      if (visit === DISABLED) throw new Disabled(name)
      if (visit.session !== null) {
        if (visit.reportsLeft > 0) runtime.afterwards.again(visit)
        return visit.session
      }
      const session = visit.open()
      expectEnd(visit)
      return session
    },
    setter (): never { throw new NotAssignable(name) }
  })
  app.decorate(`${name}s`, new SessionControl(runtime, (request) => visitOf(request)?.cookie ?? null))
  app.addHook('onClose', async () => {
    runtime.sockets.stopAll()
    runtime.afterwards.stop()
  })
  attachStores(app, runtime)
  checkRoutes(app, runtime.settings)

  app.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    const route = checkRoute(config, name)
    if (route === false) {
      setSlot(request, slot, DISABLED)
      return done()
    }
    const found = readCookie(request.headers.cookie, cookie.name)
    const visit = new Visit(runtime, request, reply, typeof found === 'string' ? found : null, config, route?.onStoreError ?? onStoreError)
    setSlot(request, slot, visit)
    if (typeof found === 'object' && found !== null) visit.loaded = { state: 'none', reason: 'duplicate-cookie' }
    const guard = unwiredGuard(config, route)
    if (runtime.backend.records === null && guard === undefined) return done()
    const loading = visit.fetch()
    if (guard !== undefined) return guarded(request, guard, loading)
    if (loading === undefined) return done()
    // Returned, not called back: only then does Fastify catch what goes wrong after it.
    return loading
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const visit = visitOf(request)
    if (visit === null || visit.session === null || visit.closed !== null) return done()
    const body = unpackResponse(reply, payload)
    const leaving = leave(visit, reply)
    if (leaving === undefined) return done(null, body)
    return leaving.then(() => body)
  })
}

function attachStores (app: FastifyInstance, { settings: { store, revocations, sweepEvery } }: Runtime): void {
  for (const kept of new Set([store, revocations])) {
    if (kept === null) continue
    app.addHook('onClose', async () => await closeOnce(app, kept))
    if (kept.sweep !== undefined && sweepEvery > 0) startSweeper(app, async () => await kept.sweep?.(), sweepEvery)
  }
}

const closed = new WeakMap<object, Set<SessionStore>>()

/** Several sessions of one application may share a store. */
async function closeOnce ({ server }: FastifyInstance, store: SessionStore): Promise<void> {
  const stores = closed.get(server) ?? new Set()
  if (stores.has(store)) return
  closed.set(server, stores.add(store))
  await store.close?.()
}

function setSlot (request: object, slot: symbol, value: Slot): void {
  (request as Record<symbol, Slot>)[slot] = value
}

/** A guard that no hook of the route may stand for. */
async function guarded (request: FastifyRequest, guard: Guard, loading: void | Promise<void>): Promise<void> {
  await loading
  await guard.hook(request)
}

/** The response is about to leave: save, then set the cookie. Only what has to be saved is waited for. */
function leave (visit: Visit, reply: FastifyReply): Promise<void> | undefined {
  const failed = visit.broken || reply.statusCode >= 500
  if (!failed && visit.refused !== null) return fail(visit, reply, visit.refused)
  const saved = failed && visit.storeFailed ? false : commit(visit, { response: { failed, deferrable: () => isCacheable(reply) || hasForeignCookie(visit) } })
  if (saved === false) {
    close(visit, reply, failed ? visit.snapshot() : visit.base)
    return
  }
  const done = () => {
    // A hook may have ended the session meanwhile.
    if (visit.ended !== null) return leave(visit, reply)
    close(visit, reply, failed || visit.over ? visit.snapshot() : visit.base)
  }
  if (saved === true) return done()
  return saved.then(done, (error: Error) => {
    const unsendable = error instanceof HeadersSent && hasGone(visit)
    if (!failed && !unsendable) return fail(visit, reply, error)
    if (unsendable) visit.request.log.info('session not saved: its cookie had to change, and the client has gone')
    else visit.request.log.error({ err: error }, 'session of a failed request could not be saved')
    close(visit, reply, visit.snapshot())
  })
}

// Fastify does not run these hooks again for an error within an error: what happens in spite of one happens now.
async function fail (visit: Visit, reply: FastifyReply, error: Error): Promise<never> {
  visit.broken = true
  await leave(visit, reply)
  visit.closed = null
  throw error
}

function close (visit: Visit, reply: FastifyReply, data: Data): void {
  varyByCookie(reply)
  if (visit.cookie === null) takeCookieBack(visit)
  else sendCookie(visit, visit.cookie)
  visit.closed = data
}
