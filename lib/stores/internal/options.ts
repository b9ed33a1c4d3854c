import { InvalidOption } from '../../errors.js'

/**
 * Throws `InvalidOption` unless `options` is an object that has no other options than these. Each store checks their values
 * itself.
 */
export function assertOptions<Options extends object> (factory: string, options: Options, names: ReadonlyArray<keyof Options & string>): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOption(`${factory}(options)`, `must be an object: ${factory}({ ${names.join(', ')} })`)
  }
  if (![Object.prototype, null].includes(Object.getPrototypeOf(options))) {
    throw new InvalidOption(`${factory}(options)`, `must be a plain object, and this may be what belongs into it: write ${factory}({ ${names[0]} })`)
  }
  const unknown = Object.keys(options).find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new InvalidOption(`${factory}({ ${unknown} })`, `there is no such option, it takes ${names.join(', ')}`)
  }
}

/** Throws `InvalidOption` unless it is a number of seconds: 0 or more, and an end to it. */
export function assertSeconds (name: string, value: unknown): void {
  if (!isSeconds(value)) throw new InvalidOption(name, 'must be a number of seconds')
}

/** Throws `InvalidOption` unless it is a number of seconds, more than 0. */
export function assertPositiveSeconds (name: string, value: unknown): void {
  if (!isSeconds(value) || value === 0) throw new InvalidOption(name, 'must be a positive number of seconds')
}

const isSeconds = (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity

/** Whether it is something that has each of these methods. */
export function hasMethods (value: unknown, ...names: string[]): boolean {
  const members = Object(value) as Record<string, unknown>
  return names.every((name) => typeof members[name] === 'function')
}
