import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

/** The people who can sign in. A real shop has them in a database. */
export const people = [
  { name: 'ada', password: 'lovelace', admin: false },
  { name: 'grace', password: 'hopper', admin: true }
].map(({ name, password, admin }) => {
  const salt = randomBytes(16)
  return { name, admin, salt, hash: scryptSync(password, salt, 32) }
})

export function signIn (name: string, password: string): string | null {
  const person = people.find((person) => person.name === name) ?? people[0]!
  const right = timingSafeEqual(scryptSync(password, person.salt, 32), person.hash)
  return right && person.name === name ? name : null
}
