import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { InvalidOption } from '../errors.js'
import { optionError } from '../options/option-error.js'
import { prefixSuchAs } from '../options/prefix.js'

/** Options of `fastify-typed-session/inspector`. */
export interface InspectorOptions {
  /** Where the page is. Default `'/.session'`. */
  readonly prefix?: string
  /**
   * May this request see the page? All others get the 404 of the application. Only `true` lets somebody in. Without this option there is a
   * page only where `NODE_ENV` is `development` or `test`.
   */
  readonly allow?: ((request: FastifyRequest) => boolean | Promise<boolean>) | undefined
}

type Allow = NonNullable<InspectorOptions['allow']>

const shape = z.strictObject({
  prefix: prefixSuchAs('/.session').optional(),
  allow: z.custom<Allow>((value) => typeof value === 'function', 'must be a function of the request that answers true or false').optional()
})

const OPEN: readonly unknown[] = ['development', 'test']

/** Says who may see the page; `null`: there is none here. Throws `InvalidOption`. `environment`: `NODE_ENV`. */
export function readOptions (input: object, environment: string | undefined): Allow | null {
  const { logLevel, logSerializers, ...given } = input as Record<string, unknown>
  const parsed = shape.safeParse(given)
  if (!parsed.success) throw optionError(parsed.error, [], Object.keys(shape.shape))
  const { allow } = parsed.data
  if (allow !== undefined) return allow
  if (OPEN.includes(environment)) return () => true
  if (environment === 'production') return null
  throw new InvalidOption('allow', `is missing. Without it the inspector is for NODE_ENV=development and NODE_ENV=test, and here it is ${environment === undefined ? 'not set' : 'another'}. Set it, or say who may look: allow: (request) => …`)
}
