import { loadCipher } from '../../lib/tokens/cipher.js'
import type { Binding } from '../../lib/tokens/derivation.js'
import { createKeyring, type Keyring } from '../../lib/tokens/keyring.js'
import { type Kind, reference, sealed } from '../../lib/tokens/kinds.js'

export const cipher = await loadCipher()

/** The kinds of tokens there are, by name. */
export const kinds = { sealed: sealed(cipher), reference } as const satisfies Record<string, Kind>
export type KindName = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly KindName[]

/** A keyring of each kind. */
export function keyrings (secrets: readonly Buffer[], binding: Binding): Readonly<Record<KindName, Keyring>> {
  return { sealed: createKeyring(secrets, binding, kinds.sealed), reference: createKeyring(secrets, binding, kinds.reference) }
}
