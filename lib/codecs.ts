import './schema/zod-version.js'
import * as z from 'zod'
import { sync } from './async/promises.js'

/** A `Date`, stored as an ISO 8601 date-time in UTC. */
export function date (): z.ZodCodec<z.ZodISODateTime, z.ZodDate> {
  return z.codec(z.iso.datetime(), z.date(), { decode: toDate, encode: fromDate })
}

const toDate = sync((text: string) => new Date(text))
const fromDate = sync((live: Date) => live.toISOString())

/** A `bigint`, stored as a decimal string without leading zeros. */
export function bigint (): z.ZodCodec<z.ZodString, z.ZodBigInt> {
  return z.codec(z.string().regex(/^(?:0|-?[1-9]\d*)$/), z.bigint(), { decode: BigInt as (text: string) => bigint, encode: String })
}

sync(BigInt)
sync(String)

type Schema = z.core.$ZodType
type LiveMap<K extends Schema, V extends Schema> = Map<z.core.output<K>, z.core.output<V>>
type LiveSet<T extends Schema> = Set<z.core.output<T>>

/** A `Map`, stored as an array of `[key, value]` in its order. Keys and values may be codecs. */
export function mapOf<K extends Schema, V extends Schema> (key: K, value: V):
z.ZodCodec<z.ZodArray<z.ZodTuple<[K, V], null>>, z.ZodCustom<LiveMap<K, V>, LiveMap<K, V>>> {
  const live = z.custom<LiveMap<K, V>>(isMap)
  return z.codec(z.array(z.tuple([key, value])), live as z.ZodCustom<LiveMap<K, V>, LiveMap<K, V>>, {
    decode: toMap as never,
    encode: fromMap as never
  })
}

const isMap = sync((live: unknown) => live instanceof Map)
const fromMap = sync((live: ReadonlyMap<unknown, unknown>) => [...live])
const toMap = sync((pairs: [unknown, unknown][], payload: z.core.ParsePayload) => {
  const live = new Map(pairs)
  if (live.size < pairs.length) refuse(payload, 'a key occurs twice')
  return live
})

/** A `Set`, stored as an array in its order. The items may be codecs. */
export function setOf<T extends Schema> (item: T): z.ZodCodec<z.ZodArray<T>, z.ZodCustom<LiveSet<T>, LiveSet<T>>> {
  const live = z.custom<LiveSet<T>>(isSet)
  return z.codec(z.array(item), live as z.ZodCustom<LiveSet<T>, LiveSet<T>>, {
    decode: toSet as never,
    encode: fromSet as never
  })
}

const isSet = sync((live: unknown) => live instanceof Set)
const fromSet = sync((live: ReadonlySet<unknown>) => [...live])
const toSet = sync((items: unknown[], payload: z.core.ParsePayload) => {
  const live = new Set(items)
  if (live.size < items.length) refuse(payload, 'an item occurs twice')
  return live
})

/** A `Uint8Array`, stored as base64url without padding. */
export function bytes (): z.ZodCodec<z.ZodBase64URL, z.ZodCustom<Uint8Array, Uint8Array>> {
  return z.codec(z.base64url(), z.custom<Uint8Array>(isBytes), { decode: toBytes, encode: fromBytes })
}

const isBytes = sync((live: unknown) => live instanceof Uint8Array)
const fromBytes = sync((live: Uint8Array) => Buffer.from(live.buffer, live.byteOffset, live.byteLength).toString('base64url'))
const toBytes = sync((text: string, payload: z.core.ParsePayload) => {
  const live = Buffer.from(text, 'base64url')
  // Several texts decode to the same bytes; only the one that is written is read.
  if (live.toString('base64url') !== text) refuse(payload, 'not canonical base64url')
  return new Uint8Array(live)
})

/** A `URL`, stored as its text. */
export function url (): z.ZodCodec<z.ZodURL, z.ZodCustom<URL, URL>> {
  return z.codec(z.url(), z.custom<URL>(isURL), { decode: toURL, encode: fromURL })
}

const isURL = sync((live: unknown) => live instanceof URL)
const toURL = sync((text: string) => new URL(text))
const fromURL = sync((live: URL) => live.href)

function refuse (payload: z.core.ParsePayload, message: string): void {
  payload.issues.push({ code: 'custom', input: payload.value, message })
}
