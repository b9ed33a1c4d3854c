import { hash } from 'node:crypto'
import type { Binding } from './derivation.js'

/** Tells the records of one session in a store from those of every other: a token finds nothing that another session has kept. */
export function namespaceOf ({ application, session, cookie }: Binding): string {
  return hash('sha256', JSON.stringify([application, session, cookie]), 'hex').slice(0, 8)
}

/** The key of a record: of no use to somebody who reads the store. */
export function recordKey (namespace: string, raw: Buffer | string): string {
  return `${namespace}:${hash('sha256', raw, 'hex')}`
}
