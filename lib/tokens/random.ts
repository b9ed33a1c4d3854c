import { randomFillSync } from 'node:crypto'
import { startupSnapshot } from 'node:v8'

// One call for 4 KiB costs little more than one for 12 bytes. The pool belongs to this thread and starts empty.
const pool = Buffer.alloc(4096)
let next = pool.length

function refill (): void {
  next = pool.length // if the generator throws, nothing is left that could be handed out
  randomFillSync(pool)
  next = 0
}

/**
 * That many bytes of the system's CSPRNG, each handed out once and wiped here. Throws what `node:crypto` throws.
 * While a startup snapshot is built the pool stays empty: each process that starts from it would hand out the same bytes.
 */
export function random (bytes: number): Buffer {
  if (bytes > pool.length || startupSnapshot.isBuildingSnapshot()) return randomFillSync(Buffer.alloc(bytes))
  const copy = Buffer.allocUnsafe(bytes)
  if (next + bytes > pool.length) refill()
  pool.copy(copy, 0, next, next + bytes)
  pool.fill(0, next, next + bytes)
  next += bytes
  return copy
}
