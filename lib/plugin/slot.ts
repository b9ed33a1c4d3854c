import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Disabled, NotAssignable, NotReady } from '../errors.js'
import { Exchange } from '../http/exchange.js'
import { isUnread } from '../request/adoption/adopt.js'
import { LateChanges } from '../request/late-changes.js'
import { open } from '../request/open.js'
import type { Runtime } from '../request/runtime.js'
import { Visit } from '../request/visit.js'
import type { Session } from '../session/session.js'

const DISABLED = Symbol('disabled')
/** An exchange becomes a visit when the session is first read. */
type Occupant = Exchange | Visit | typeof DISABLED | null

/** `request.<name>`, and the state behind it. */
export class Slot {
  readonly #runtime: Runtime
  readonly #key: symbol
  readonly #late: LateChanges

  constructor (app: FastifyInstance, runtime: Runtime) {
    const { name } = runtime.settings
    this.#runtime = runtime
    this.#key = Symbol(`${name} of this request`)
    this.#late = new LateChanges(runtime.production)
    const sessionOf = (request: object) => this.session(request)
    app.decorateRequest(this.#key, null)
    app.decorateRequest(name as string, {
      getter (this: FastifyRequest): Session { return sessionOf(this) },
      setter (): never { throw new NotAssignable(name) }
    })
    app.addHook('onClose', async () => this.#late.stop())
  }

  fill (request: object, exchange: Exchange): void {
    this.#set(request, exchange)
  }

  /** The route leaves the session alone. */
  disable (request: object): void {
    this.#set(request, DISABLED)
  }

  /** `null`: nobody has read the session. */
  visit (request: object): Visit | null {
    const occupant = this.#get(request)
    return occupant instanceof Visit ? occupant : null
  }

  /** The visit of a request that has adopted a session which nobody has read: it is to be saved all the same. */
  adopted (request: object): Visit | null {
    const occupant = this.#get(request)
    if (!(occupant instanceof Exchange) || !isUnread(occupant)) return null
    this.session(request)
    return this.visit(request)
  }

  /** Throws `NotReady`, `Disabled`, and `StoreFailed` of a store that is first asked now. */
  session (request: object): Session {
    const occupant = this.#get(request)
    if (occupant instanceof Visit) {
      occupant.late?.again()
      return occupant.session
    }
    const { name } = this.#runtime.settings
    if (occupant === null) throw new NotReady(name)
    if (occupant === DISABLED) throw new Disabled(name)
    const visit = open(occupant, this.#runtime)
    this.#set(request, visit)
    this.#late.expectEnd(visit)
    return visit.session
  }

  #get (request: object): Occupant {
    return (request as Record<symbol, Occupant>)[this.#key] ?? null
  }

  #set (request: object, occupant: Occupant): void {
    (request as Record<symbol, Occupant>)[this.#key] = occupant
  }
}
