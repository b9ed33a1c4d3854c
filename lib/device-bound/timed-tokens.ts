import type { Runtime } from '../request/runtime.js'
import type { Keyring } from '../tokens/keyring.js'
import { DEVICE_BYTES, type Kind } from '../tokens/kinds.js'
import { random } from '../tokens/random.js'

/** Bytes that say what a token is of. */
export const OF_BYTES = 16
const RANDOM = 16
const UNTIL = OF_BYTES + RANDOM

/** The content of a token. `until`: milliseconds since the epoch. */
export interface Timed { readonly of: Buffer, readonly until: number }

/** Tokens that say themselves what they are of, and until when they are good. Nothing is kept of them. */
export interface TimedTokens {
  /** Never the same twice. */
  write (of: Uint8Array, until: number): string
  /** `null`: it is none of ours. */
  read (token: string): Timed | null
}

export function readTimed (body: Buffer): Timed {
  return { of: body.subarray(0, OF_BYTES), until: body.readUIntBE(UNTIL, 6) }
}

export function timedTokens (runtime: Runtime, kind: Kind, cookie: string): TimedTokens {
  const keyring = keyringOf(runtime, kind, cookie)
  return {
    write (of, until) {
      const body = Buffer.alloc(DEVICE_BYTES)
      body.set(of)
      body.set(random(RANDOM), OF_BYTES)
      body.writeUIntBE(until, UNTIL, 6)
      return keyring().write(body)
    },
    read (token) {
      const opened = keyring().read(token)
      return opened && readTimed(opened.body)
    }
  }
}

/** The keyring of one kind of token, by the secrets in force. */
function keyringOf (runtime: Runtime, kind: Kind, cookie: string): () => Keyring {
  let by = runtime.keyring
  let keyring = by(kind, cookie)
  return () => {
    if (by !== runtime.keyring) {
      by = runtime.keyring
      keyring = by(kind, cookie)
    }
    return keyring
  }
}
