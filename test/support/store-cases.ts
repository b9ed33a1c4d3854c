import type { SessionStore, StoredRecord } from '../../types/store.js'

export const later = (milliseconds = 60_000) => Date.now() + milliseconds
export const past = () => Date.now() - 1

/** All that `findBySubject` hands out. */
export async function collect (store: SessionStore, subject: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const record of store.findBySubject?.(subject) ?? []) records.push(record)
  return records
}

/** None of them is a table name (K-43). */
export const hostileTables = [
  '', '.', 'a.', '.a', 'a.b.c', 'a b', 'a"b', 'a`b', 'a;b', "a'b", 'a--', '1a', 'é', 'a\0', 'a\n', 'x'.repeat(64), 5, null, {}, ['a']
] as string[]

/** What differs from 'a' by so little that some collation holds it to be equal. */
export const nearlyA = ['a ', ' a', 'A', 'a\t', 'á', 'a\u0301', 'a\u200b', '']
