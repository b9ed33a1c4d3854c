import type { SessionStore, StoredRecord } from '../../types/store.js'

export const later = (milliseconds = 60_000) => Date.now() + milliseconds
export const past = () => Date.now() - 1

/** All that `findBySubject` hands out. */
export async function collect (store: SessionStore, subject: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const record of store.findBySubject?.(subject) ?? []) records.push(record)
  return records
}
