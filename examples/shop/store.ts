import { fileURLToPath } from 'node:url'
import type { SessionStore } from 'fastify-typed-session'

export interface OpenStore { readonly store: SessionStore, close (): Promise<unknown> | void }

type Open = (address: string) => Promise<OpenStore>

// STORE=… npm run shop. Each opens the client of its own; the session plugin never does.
const stores: Readonly<Record<string, Open>> = {
  async memory () {
    const { memoryStore } = await import('fastify-typed-session/stores/memory')
    return { store: memoryStore(), close () {} }
  }
}

/** The store that `STORE` names; `null`: the session lives in the cookie. */
export async function openStore (address: string | undefined): Promise<OpenStore | null> {
  if (address === undefined || address === '' || address === 'cookie') return null
  const kind = address.split(':', 1).join()
  const open = stores[kind]
  if (open === undefined) throw new Error(`STORE=${kind} is none of: cookie, ${Object.keys(stores).join(', ')}`)
  return open(address)
}

export function pathOf (address: string): string {
  return address.startsWith('file://') ? fileURLToPath(address) : address.slice(address.indexOf(':') + 1)
}
