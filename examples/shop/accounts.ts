import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

export interface Person { readonly name: string, readonly admin: boolean }

/** The people who can sign in. A real shop has them in a database. */
const accounts = [
  { name: 'ada', password: 'lovelace', admin: false },
  { name: 'grace', password: 'hopper', admin: true }
].map(({ name, password, admin }) => {
  const salt = randomBytes(16)
  return { name, admin, salt, hash: scryptSync(password, salt, 32) }
})

export const people: readonly Person[] = accounts

export function authenticate (name: string, password: string): Person | null {
  const account = accounts.find((account) => account.name === name) ?? accounts[0]!
  const right = timingSafeEqual(scryptSync(password, account.salt, 32), account.hash)
  return right && account.name === name ? account : null
}
