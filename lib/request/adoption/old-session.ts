import { types } from 'node:util'
import type { FastifyRequest } from 'fastify'
import type { Adopted } from '../../../types/index.js'
import { isPromise } from '../../async/promises.js'
import { type Step, storeFailure, withDeadline } from '../../async/timeout.js'
import type { Adoptable, Loaded } from '../../backends/place.js'
import { removalOf } from '../../http/cookie.js'
import type { OldCookie } from '../../http/old-cookies.js'
import type { OldSystem } from '../../options/adopt-option.js'
import type { Found } from '../../record/record.js'
import { isPlainObject } from '../../values/clone.js'
import type { Runtime } from '../runtime.js'
import type { Visit } from '../visit.js'

type Read = Adopted<Record<string, unknown>> | null

/**
 * The session behind the value of an old cookie; `null`: there is none, as far as the old system knows. It becomes one of ours that
 * is not kept yet, if it has not done so before. Throws, or rejects with, `StoreFailed`.
 */
export async function oldSession (runtime: Runtime, system: OldSystem, value: string, request: FastifyRequest, step?: Step): Promise<Loaded | null> {
  const { backend, oldCookieIds } = runtime
  const read = await ask(runtime, system, 'read', () => system.adopter.read(value, request), step)
  // Another request of the same browser may have made the old system forget it just now.
  const mayBeForgotten = system.forgets && system.adopter.forget !== undefined
  if (!read && !mayBeForgotten) return null
  const now = Date.now()
  return await backend.adopt(oldCookieIds(system.cookie.name, value), read ? adoptable(runtime, system, read, now) : null, now, step)
}

/** The old session ends in the old system. Rejects with `StoreFailed`. */
export async function forget (runtime: Runtime, system: OldSystem, value: string, step?: Step): Promise<void> {
  await ask(runtime, system, 'forget', () => system.adopter.forget?.(value), step)
}

/** The session that was adopted is ours now. If its system is to forget it, that happens along with the response that brings our cookie. */
export function letGo ({ exchange: { cookie, old, request }, runtime }: Visit): void | Promise<void> {
  if (!old?.adopted?.system.forgets || cookie === null || cookie === runtime.cookies.clear) return
  const { system, value } = old.adopted
  old.remove([oldRemoval(runtime, { system })])
  return forget(runtime, system, value).catch((error: Error) => {
    request.log.error({ err: error.cause }, 'an old session that was adopted could not be removed')
  })
}

/** The `Set-Cookie` that removes an old cookie. */
export function oldRemoval ({ settings }: Runtime, { system: { cookie } }: Pick<OldCookie, 'system'>): string {
  return removalOf(cookie.name, cookie, settings.cookie.policy.secure)
}

async function ask<T> ({ settings: { storeTimeout } }: Runtime, { cookie: { name } }: OldSystem, call: string, ask: () => T | Promise<T>, step?: Step): Promise<T> {
  return await withDeadline({ timeout: storeTimeout, store: `the adopter of ${name}` }, call, ask, step)
}

/** `NaN` for what is no date: a `null` would be 1970, when no session that is live began. */
const timeOf = (date: unknown): number => types.isDate(date) ? date.getTime() : NaN

function adoptable ({ codec, settings: { version } }: Runtime, { cookie: { name }, until }: OldSystem, read: Exclude<Read, null>, now: number): Adoptable {
  const { data, createdAt } = read
  const began = createdAt === undefined ? now : timeOf(createdAt)
  if (isPromise(data) || !isPlainObject(data) || !Number.isFinite(began)) {
    throw storeFailure(new Error(`read() of the adopter of ${name} must give { data, createdAt }, an object (no promise of one) and perhaps a Date, or null`))
  }
  const isExtra = ([key]: readonly [string, unknown]) => codec.isUndeclared(key)
  const entries = Object.entries(data)
  const extra = entries.filter(isExtra)
  const found: Found = {
    data: extra.length === 0 ? data : Object.fromEntries(entries.filter((entry) => !isExtra(entry))),
    extra: extra.length === 0 ? null : Object.fromEntries(extra)
  }
  const times = {
    version, createdAt: Math.floor(began), usedAt: now, authenticatedAt: 0, rotatedAt: now, persist: null, idle: 0, absolute: 0, adoptedUntil: until
  }
  return { record: { kind: 'session', times, found, card: null, device: null }, dated: createdAt !== undefined }
}
