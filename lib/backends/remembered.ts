import { LRUCache } from 'lru-cache'

/** The end of a token or a hash is as good as random: so many characters tell them apart. */
const TAIL = 8
/** There is room for all values if they have this size on average. */
const USUAL_SIZE = 16_384

/**
 * A bounded memory for keys that come again. A value is kept from the second time that it is offered within the next thousands.
 * A key that comes once, such as that of a visitor who never returns, pushes nothing out and is not held on to.
 */
export class Remembered<V extends object> {
  readonly #kept: LRUCache<string, V>
  /** In each slot the print of the last key that fell into it. */
  readonly #offered: Uint32Array

  /** `max`: how many values are kept at most. `sizeOf`: in characters, at least one, so that big values leave room for fewer. */
  constructor (max: number, sizeOf?: (value: V) => number) {
    this.#kept = new LRUCache({ max, ...(sizeOf !== undefined && { maxSize: max * USUAL_SIZE, sizeCalculation: sizeOf }) })
    this.#offered = new Uint32Array(2 * max)
  }

  get (key: string): V | undefined {
    return this.#kept.get(key)
  }

  /** Offers a value, which is kept if its key has come before. */
  offer (key: string, value: V): void {
    const print = printOf(key)
    const slot = print % this.#offered.length
    if (this.#offered[slot] === print) this.#kept.set(key, value)
    else this.#offered[slot] = print
  }

  /** Puts another value in place of one that is kept. */
  renew (key: string, value: V): void {
    if (this.#kept.has(key)) this.#kept.set(key, value)
  }
}

function printOf (key: string): number {
  let print = 0
  for (let i = Math.max(0, key.length - TAIL); i < key.length; i++) print = Math.imul(print, 31) + key.charCodeAt(i) | 0
  return print >>> 0
}
