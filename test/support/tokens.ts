import { loadCipher } from '../../lib/tokens/cipher.js'
import type { Binding } from '../../lib/tokens/derivation.js'
import { createKeyring, type Keyring } from '../../lib/tokens/keyring.js'
import { bound, type Kind, offer, reference, sealed } from '../../lib/tokens/kinds.js'

export const cipher = await loadCipher()

/** The kinds of tokens there are, by name. */
export const kinds = { sealed: sealed(cipher), reference, bound, offer } as const satisfies Record<string, Kind>
export type KindName = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly KindName[]

/** A keyring of each kind. */
export function keyrings (secrets: readonly Buffer[], binding: Binding): Readonly<Record<KindName, Keyring>> {
  const keyring = (kind: Kind) => createKeyring(secrets, binding, kind)
  return { sealed: keyring(kinds.sealed), reference: keyring(kinds.reference), bound: keyring(bound), offer: keyring(offer) }
}
