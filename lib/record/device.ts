import type { BoundDevice } from '../../types/device-bound.js'
import { isTime } from './time.js'

export const ALGORITHMS = ['ES256', 'RS256'] as const
export type Algorithm = typeof ALGORITHMS[number]

/** Something random that a device is to sign. */
export interface Challenge {
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly until: number
  /** A hash of the proof that has answered it; `null`: none has. */
  readonly answer: string | null
}

/** A session is bound to the device that holds a private key. Kept with the session's record. */
export interface Device {
  /** The browser's name for it. Not secret. */
  readonly id: string
  readonly algorithm: Algorithm
  /** The public key as a JWK (RFC 7517), with the members that make it up and no others. */
  readonly key: Readonly<Record<string, string>>
  /** Milliseconds since the epoch, like the next. */
  readonly boundAt: number
  /** The last proof. */
  readonly refreshedAt: number
  /** Newest first. */
  readonly challenges: readonly Challenge[]
}

/** The bytes of two challenges that are answered, and more. */
const CHALLENGES = 300

/** Bytes that its challenges may yet take in its record. */
export function roomFor ({ challenges }: Device): number {
  return CHALLENGES - JSON.stringify(challenges).length
}

/** `null` for what is no binding as it is kept. */
export function readDevice (found: unknown): Device | null {
  const { id, algorithm, key, boundAt, refreshedAt, challenges } = Object(found) as Record<string, unknown>
  const known = ALGORITHMS.find((name) => name === algorithm)
  if (typeof id !== 'string' || known === undefined || !isKey(key) || !isTime(boundAt) || !isTime(refreshedAt)) return null
  if (!Array.isArray(challenges) || !challenges.every(isChallenge)) return null
  return { id, algorithm: known, key, boundAt, refreshedAt, challenges }
}

function isKey (key: unknown): key is Device['key'] {
  return typeof key === 'object' && key !== null && Object.values(key).every((member) => typeof member === 'string')
}

function isChallenge (challenge: unknown): challenge is Challenge {
  const { value, until, answer } = Object(challenge) as Record<string, unknown>
  return typeof value === 'string' && isTime(until) && (answer === null || typeof answer === 'string')
}

/** The facts that may be shown. */
export function factsOf (device: Device | null): BoundDevice | null {
  return device === null ? null : { boundAt: new Date(device.boundAt), refreshedAt: new Date(device.refreshedAt), algorithm: device.algorithm }
}
