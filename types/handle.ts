import type {
  FastifyBaseLogger, FastifyInstance, FastifyPluginAsync, FastifyPluginCallback, FastifyTypeProvider, FastifyTypeProviderDefault,
  RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault
} from 'fastify'
import type { WithSession } from './fastify.js'
import type { Sessions } from './instance.js'
import type { Session, SessionData, SessionSchema } from './session.js'

/** One declared session: what `createSession` makes. */
export interface SessionHandle<S extends SessionSchema, Name extends string = 'session'> {
  /** The request property. */
  readonly name: Name
  readonly schema: S
  /** `app.register(handle.plugin)`. */
  readonly plugin: FastifyPluginCallback
  /** The session of a request, typed whatever else is declared. */
  get (request: { getDecorator<T> (name: string | symbol): T }): Session<SessionData<S>>
  /** `app.sessions` of this session. */
  sessions (app: { getDecorator<T> (name: string | symbol): T }): Sessions<SessionData<S>>
  /** Types only: `type AdminSession = typeof admin.$infer`. */
  readonly $infer: Session<SessionData<S>>
}

/** A plugin whose requests carry the session of `S`. */
export type SessionPluginAsync<S extends SessionSchema, Options extends Record<string, any> = Record<never, never>,
  TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault> =
  FastifyPluginAsync<Options, RawServerDefault, TypeProvider & WithSession<S>>

/** What `withSession` returns: the same instance, its requests carrying the session of `S`. */
export type SessionInstance<Server extends RawServerBase, Request extends RawRequestDefaultExpression<Server>,
  Reply extends RawReplyDefaultExpression<Server>, Logger extends FastifyBaseLogger, TypeProvider extends FastifyTypeProvider,
  S extends SessionSchema> = FastifyInstance<Server, Request, Reply, Logger, TypeProvider & WithSession<S>>
