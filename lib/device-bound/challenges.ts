import type { Challenge, Device } from '../record/device.js'
import { random } from '../tokens/random.js'
import type { Proof } from './proof.js'

/** Milliseconds that a device has for its answer. */
export const CHALLENGE_LIFE = 300_000
/** The newest, and the one before it: two refreshes may cross. */
const KEPT = 2

/** The device with a challenge to hand out in front: the same device if that is the one it has. */
export function challenged (device: Device, now: number): Device {
  const [newest] = device.challenges
  // A client that asks again and again makes no more than one write of it.
  if (newest !== undefined && newest.answer === null && isLive(newest, now + CHALLENGE_LIFE / 2)) return device
  const next = { value: random(32).toString('base64url'), until: now + CHALLENGE_LIFE, answer: null }
  return { ...device, challenges: [next, ...device.challenges].slice(0, KEPT) }
}

/**
 * The device after a proof. `null`: it answers no challenge that is open. A proof counts once. A second one of the same challenge
 * counts once more, because two refreshes may have been given the same.
 */
export function answered (device: Device, { challenge: value, answer }: Proof, now: number): Device | null {
  const asked = device.challenges.find((challenge) => challenge.value === value)
  if (asked === undefined || asked.answer === answer || !isLive(asked, now)) return null
  const once = asked.answer === null ? [{ ...asked, answer }] : []
  return { ...device, refreshedAt: now, challenges: device.challenges.flatMap((challenge) => challenge === asked ? once : [challenge]) }
}

function isLive ({ until }: Challenge, now: number): boolean {
  return until > now
}
