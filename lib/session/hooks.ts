import { AsyncLocalStorage } from 'node:async_hooks'
import type { SessionHookName, SessionHooks } from '../../types/index.js'
import { HookTimeout, InvalidOption } from '../errors.js'

const NAMES: readonly SessionHookName[] =
  ['onCreate', 'onLoad', 'preSave', 'onSave', 'preRotate', 'onRotate', 'onDestroy', 'onReject', 'onConflict']

export type HookEvent<N extends SessionHookName> = Parameters<NonNullable<SessionHooks<Record<string, unknown>>[N]>>[0]
type AnyHook = (event: never) => void | Promise<void>
type ReportError = (error: unknown, hook: SessionHookName) => void

/** The request whose hook, or change given to `update()`, is running: it cannot save what is being saved. */
export const hookOf = new AsyncLocalStorage<unknown>()

/** The hooks of one session, in the order they were added. */
export class HookList {
  readonly #hooks = new Map<SessionHookName, AnyHook[]>()

  /** Throws `InvalidOption` for a name that is no hook, or a hook that is no function. */
  add (name: string, hook: AnyHook): void {
    if (!isHookName(name)) throw new InvalidOption(`hooks.${name}`, `there is no such hook, there are: ${NAMES.join(', ')}`)
    if (typeof hook !== 'function') throw new InvalidOption(`hooks.${name}`, 'must be a function')
    this.#hooks.set(name, [...this.#hooks.get(name) ?? [], hook])
  }

  has (name: SessionHookName): boolean {
    return this.#hooks.has(name)
  }

  /** One after the other; a throw, or `timeout` milliseconds without an end, rejects. */
  async before<N extends 'preSave' | 'preRotate'> (name: N, event: HookEvent<N>, timeout: number): Promise<void> {
    // To put other data in place of `event.data` would be in vain: it has to be changed in place.
    Object.freeze(event)
    for (const hook of this.#hooks.get(name) ?? []) {
      // An arrow function may return whatever its expression is.
      const running: unknown = (hook as (event: HookEvent<N>) => unknown)(event)
      if (running instanceof Object && 'then' in running) await within(timeout, name, Promise.resolve(running))
    }
  }

  /** Starts them all and waits for none; what goes wrong is reported. */
  after<N extends Exclude<SessionHookName, 'preSave' | 'preRotate'>> (name: N, event: () => HookEvent<N>, report: ReportError): void {
    for (const hook of this.#hooks.get(name) ?? []) {
      try {
        const given = event()
        Object.freeze(given)
        const running = hookOf.run(given.request, () => (hook as (event: HookEvent<N>) => void | Promise<void>)(given))
        Promise.resolve(running).catch((error: unknown) => report(error, name))
      } catch (error) {
        report(error, name)
      }
    }
  }
}

function isHookName (name: string): name is SessionHookName {
  return (NAMES as readonly string[]).includes(name)
}

function within (timeout: number, name: SessionHookName, running: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new HookTimeout(name)), timeout)
    running.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
