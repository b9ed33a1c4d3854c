import autocannon from 'autocannon'
import { CONNECTIONS } from '../src/load.mjs'

/** So many requests, however long they take. @param {string} url @param {number} amount */
export async function loadAmount (url, amount) {
  const result = await autocannon({ url, amount, connections: CONNECTIONS, timeout: 60 })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} responses were not 2xx, ${result.errors} errors`)
}
