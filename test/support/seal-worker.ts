import { parentPort, workerData } from 'node:worker_threads'
import type { Binding } from '../../lib/tokens/derivation.js'
import { keyrings } from './tokens.js'

const { count, binding } = workerData as { count: number, binding: Binding }
const { sealed } = keyrings([Buffer.alloc(32, 1)], binding)
// The nonce alone: version and key id are 7 characters, 24 bytes are 32.
parentPort!.postMessage(Array.from({ length: count }, () => sealed.write(Buffer.alloc(0)).slice(7, 39)))
