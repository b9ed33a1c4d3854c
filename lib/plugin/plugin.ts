import fastifyCookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { InvalidOption } from '../errors.js'
import { checkRoute, type Guard } from '../guards/route-options.js'
import { checkRoutes, unwiredGuard } from '../guards/wiring.js'
import { readCookie } from '../http/cookie.js'
import { Exchange } from '../http/exchange.js'
import { unpackResponse } from '../http/headers.js'
import { adopt, seekOld } from '../request/adoption/adopt.js'
import { load } from '../request/open.js'
import type { Gate, Runtime } from '../request/runtime.js'
import { SessionControl } from './control.js'
import { takeCookie } from './cookie-taken.js'
import { leave } from './leave.js'
import { createRuntime } from './setup.js'
import { Slot } from './slot.js'
import { attachStores } from './stores-life.js'

/** Registers one session: `request.<name>`, and `app.<name>s`. One request goes from the cookie that comes in to the one that goes out. */
export async function sessionPlugin (app: FastifyInstance, options: object): Promise<void> {
  if (!app.hasDecorator('serializeCookie')) await app.register(fastifyCookie)
  const runtime = await createRuntime(app, options)
  const { name, cookie, adopt: { length: adopters } } = runtime.settings
  const slot = decorate(app, runtime)

  app.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    const route = checkRoute(config, name)
    if (route === false) {
      slot.disable(request)
      return done()
    }
    const exchange = new Exchange(request, reply, readCookie(request.headers.cookie, cookie.name), route)
    slot.fill(request, exchange)
    const guard = unwiredGuard(config, route)
    const adopting = adopters > 0 && seekOld(exchange, runtime)
    if (runtime.backend.immediate && guard === undefined && !adopting && runtime.gate?.asksFirst(request) !== true) return done()
    const loading = adopting ? adopt(exchange, runtime) : load(exchange, runtime)
    if (guard !== undefined || (runtime.gate !== null && exchange.token !== null)) return checked(exchange, runtime.gate, guard, loading)
    if (loading === undefined) return done()
    // Returned, not called back: only then does Fastify catch later errors.
    return loading
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const visit = slot.visit(request) ?? (adopters > 0 ? slot.adopted(request) : null)
    if (visit === null || visit.exchange.closed) return done()
    const body = unpackResponse(reply, payload)
    const leaving = leave(visit)
    if (leaving === undefined) return done(null, body)
    return leaving.then(() => body)
  })
}

function decorate (app: FastifyInstance, runtime: Runtime): Slot {
  const { name, cookie } = runtime.settings
  if (app.hasRequestDecorator(name)) throw new InvalidOption('name', `request.${name} exists already: give this session another name, or remove the other plugin`)
  if (`${name}s` in app) throw new InvalidOption('name', `app.${name}s exists already: give this session another name`)
  takeCookie(app, cookie.name, 'cookie.name')
  const slot = new Slot(app, runtime)
  app.decorate(`${name}s`, new SessionControl(runtime, (request) => slot.visit(request)?.exchange.cookie ?? null))
  app.addHook('onClose', async () => runtime.sockets.stopAll())
  attachStores(app, runtime.settings)
  checkRoutes(app, runtime.settings)
  return slot
}

/** By the gate of bound sessions, and by a guard that no hook of the route may stand for. */
async function checked (exchange: Exchange, gate: Gate | null, guard: Guard | undefined, loading: void | Promise<void>): Promise<FastifyReply | undefined> {
  await loading
  const { request, reply, loaded } = exchange
  const answer = loaded?.state === 'unbound' ? gate?.turnAway(request, reply) : undefined
  return answer ?? await guard?.hook(request, reply)
}
