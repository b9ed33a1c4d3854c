import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidOption } from '../errors.js'
import { sessionsOn } from '../guards/wiring.js'
import { SessionControl } from '../plugin/control.js'
import type { Runtime } from '../request/runtime.js'
import { registered } from '../session/registered.js'
import { EventLog } from './event-log.js'
import { type InspectorOptions, readOptions } from './options.js'
import { routes } from './routes.js'

const PATH = '/.session'
/** Nothing inline, nothing from elsewhere, no frames; texts of a session can never become HTML. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store'
}

/** Serves the page. Throws `InvalidOption`. */
export async function inspectorPlugin (app: FastifyInstance, options: { readonly prefix?: string | undefined }): Promise<void> {
  const allow = readOptions(options, process.env.NODE_ENV)
  if (allow === null) return app.log.info('there is no session inspector, because NODE_ENV is production: the option allow would say who may look')
  const runtimes = runtimesOn(app)
  const log = new EventLog(runtimes)
  log.start()
  app.addHook('onReady', async () => assertAllShown(app, runtimes))
  app.addHook('onClose', async () => log.stop())
  app.addHook('onRequest', async (request, reply) => {
    if (await isAllowed(request, allow)) reply.headers(HEADERS)
    else return reply.callNotFound()
  })
  await routes(app, options.prefix === undefined ? PATH : '', { runtimes, log })
}

/** Where `allow` fails nobody is let in, and the log says why. */
async function isAllowed (request: FastifyRequest, allow: NonNullable<InspectorOptions['allow']>): Promise<boolean> {
  try {
    return await allow(request) === true
  } catch (error) {
    request.log.error({ err: error }, 'nobody sees the session inspector, because its option allow has thrown')
    return false
  }
}

const namesOn = (app: FastifyInstance): string[] => sessionsOn(app).filter((name) => app.hasDecorator(`${name}s`))

/** Throws `InvalidOption` for a session that came later. */
function assertAllShown (app: FastifyInstance, shown: ReadonlyMap<string, Runtime>): void {
  const missing = namesOn(app).find((name) => !shown.has(name))
  if (missing !== undefined) throw new InvalidOption('inspector', `${missing} was registered after it, and would not be shown: register the inspector last`)
}

/** The sessions of an instance, by name. */
function runtimesOn (app: FastifyInstance): ReadonlyMap<string, Runtime> {
  const names = namesOn(app)
  if (names.length === 0) throw new InvalidOption('inspector', 'there is no session to look into: register it after the session, on the same instance or below it')
  return new Map(names.map((name) => [name, SessionControl.runtimeOf(registered<SessionControl>(app, name, `${name}s`))]))
}
