import { parentPort, workerData } from 'node:worker_threads'
import { createKeyring } from '../../lib/tokens/keyring.js'
import type { Binding } from '../../lib/tokens/keyring.js'

const { count, binding } = workerData as { count: number, binding: Binding }
const keyring = createKeyring([Buffer.alloc(32, 1)], binding)
// The nonce alone: version and key id are 7 characters, 24 bytes are 32.
parentPort!.postMessage(Array.from({ length: count }, () => keyring.sealed.write(Buffer.alloc(0)).slice(7, 39)))
