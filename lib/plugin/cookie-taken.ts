import type { FastifyInstance } from 'fastify'
import { InvalidOption } from '../errors.js'

/** No other session of `app` may have this cookie. Throws `InvalidOption` for `option` where one has it already. */
export function takeCookie (app: FastifyInstance, cookie: string, option: string): void {
  const taken = Symbol.for(`fastify-typed-session ${cookie}`)
  if (app.hasDecorator(taken)) throw new InvalidOption(option, `another session of this instance has ${cookie} already`)
  app.decorate(taken, true)
}
