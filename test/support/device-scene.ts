import type { Test } from 'tap'
import type { SessionStore } from '../../types/index.js'
import type { AppOptions } from './app.js'
import { deviceApp } from './device-app.js'
import { type Place, stopClock } from './http-scene.js'

/** What is kept in the store: sessions, or which of those in cookies live. */
export type Kept = 'store' | 'revocations'
export type DevicePlace = Pick<Place, 'store' | 'other'> & { readonly kept: Kept }
export type DeviceRows = Readonly<Record<string, (t: Test, place: DevicePlace) => Promise<unknown>>>

/** Two applications of one kind, each with its own connection. */
export async function deviceScene (t: Test, { store, other, kept }: DevicePlace) {
  const tick = stopClock(t)
  const options = (store: SessionStore): AppOptions => ({
    backend: 'cookie', [kept]: store, ...(store.findBySubject && { subject: 'userId' })
  })
  const here = await deviceApp(t, options(store))
  const there = await deviceApp(t, options(other))
  return { ...here, there, tick }
}
