import type { BoundDevice, RejectReason, SessionPolicy } from '../../types/index.js'
import { MAX_COOKIE } from '../backends/sizes.js'
import { readCookie } from '../http/cookie.js'
import { describeSettings } from '../options/policy.js'
import type { Settings } from '../options/options.js'
import { factsOf } from '../record/device.js'
import type { Found } from '../plugin/open-cookie.js'
import { inForce } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import type { Data } from '../session/merge.js'
import { publicHandle } from '../tokens/public-id.js'
import { type Devices, devicesOf } from './devices.js'
import { find } from './find.js'

interface Size { readonly bytes: number, readonly limit: number }

/** One session as the page shows it. */
export interface View {
  readonly name: string
  /** The name of the store that has the session, or that knows whether it lives; `null`: there is none. */
  readonly store: string | null
  readonly cookie: Size
  readonly policy: SessionPolicy
  /** Why there is no session; `null`: there is one. */
  readonly reason: RejectReason | 'no-cookie' | null
  readonly session: SessionView | null
}

interface SessionView {
  readonly id: string
  /** The version of the schema that wrote it. */
  readonly version: number
  readonly createdAt: Date
  readonly usedAt: Date
  readonly authenticatedAt: Date | null
  readonly idleEnd: Date
  readonly absoluteEnd: Date
  /** Does its cookie outlive the browser? */
  readonly persists: boolean
  /** `null`: it is bound to none. */
  readonly device: BoundDevice | null
  /** The stored form, without the keys that the schema does not name. */
  readonly data: Data
  /** How many such keys there are, and their bytes. */
  readonly hidden: { readonly keys: number, readonly bytes: number }
  /** The record in a store; `null`: the cookie is the record. */
  readonly record: Size | null
  /** `null`: it is nobody's, so far as anybody can tell. */
  readonly devices: Devices | null
}

/** Shows the session of a `Cookie` header. Never rejects. */
export async function look (runtime: Runtime, cookies: string | undefined): Promise<View> {
  const { gate, keyIds, settings } = runtime
  const looked = await find(runtime, cookies)
  const found = 'place' in looked
  return {
    name: settings.name,
    store: storeOf(settings),
    cookie: { bytes: bytesOfCookie(settings.cookie.name, cookies), limit: MAX_COOKIE },
    policy: describeSettings(settings, keyIds, gate !== null),
    reason: found ? null : looked.reason,
    session: found ? await show(runtime, looked) : null
  }
}

function storeOf ({ store, revocations }: Settings): string | null {
  const kept = store ?? revocations
  return kept === null ? null : typeof kept.name === 'string' ? kept.name : 'a store'
}

/** As browsers count them: name and value. Of several cookies the sum. */
function bytesOfCookie (name: string, cookies: string | undefined): number {
  const values = [readCookie(cookies, name) ?? []].flat()
  return values.reduce((sum, value) => sum + name.length + value.length, 0)
}

async function show (runtime: Runtime, found: Found): Promise<SessionView> {
  const { settings } = runtime
  const { place: { key, payload, record: { times, device }, usedAt } } = found
  return {
    id: publicHandle(key),
    version: times.version,
    createdAt: new Date(times.createdAt),
    usedAt: new Date(usedAt),
    authenticatedAt: times.authenticatedAt === 0 ? null : new Date(times.authenticatedAt),
    idleEnd: new Date(usedAt + inForce(times.idle, settings.idle)),
    absoluteEnd: new Date(times.createdAt + inForce(times.absolute, settings.absolute)),
    persists: times.persist ?? settings.cookie.persistent,
    device: factsOf(device),
    ...dataOf(runtime, found),
    record: settings.store === null ? null : { bytes: Buffer.byteLength(payload as string), limit: settings.maxSize },
    devices: await devicesOf(runtime, found)
  }
}

/** Keys that plugins write may hold secrets. They are counted, and not even named. */
function dataOf ({ codec }: Runtime, { data }: Found): Pick<SessionView, 'data' | 'hidden'> {
  const { data: stored, extra } = codec.encode(data)
  const named = Object.entries(stored).filter(([key]) => codec.declares(key))
  const others = Object.entries({ ...stored, ...extra }).filter(([key]) => !codec.declares(key))
  return { data: Object.fromEntries(named), hidden: { keys: others.length, bytes: others.reduce((sum, [key, value]) => sum + bytesOf({ [key]: value }), 0) } }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
