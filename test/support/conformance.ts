import type { Test } from 'tap'
import { storeConformance } from '../../lib/conformance.js'
import type { ConformanceOptions, OpenStore } from '../../lib/conformance.js'

/** The store contract as subtests of `t`. */
export function conforms (t: Test, open: OpenStore, options?: ConformanceOptions): void {
  storeConformance((name, fn) => t.test(name, async (t) => { await fn(); t.pass() }), open, options)
}
