import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readWhole, syncDirectory, writeWhole } from './directory.js'
import { decode, encode, type FileRecord, isOurs } from './format.js'
import type { Lock } from './lock.js'

/** Any file that is there and whole, expired or not. */
export async function readRecord (path: string): Promise<FileRecord | null> {
  const file = await readWhole(path)
  return file === null ? null : decode(file)
}

export const isLive = (record: FileRecord | null, id: string): record is FileRecord =>
  record !== null && record.id === id && record.expiresAt > Date.now()

export async function writeRecord (path: string, record: FileRecord, lock: Lock): Promise<void> {
  await writeWhole(path, encode(record), lock.assertHeld)
}

export async function removeRecord (path: string): Promise<void> {
  await rm(path, { force: true })
  await syncDirectory(dirname(path))
}

/** Expired, or ours and torn. A file that does not begin as ours do is none of our business. */
export function isSpent (file: Buffer | null): file is Buffer {
  if (file === null || !isOurs(file)) return false
  const record = decode(file)
  return record === null || record.expiresAt <= Date.now()
}
