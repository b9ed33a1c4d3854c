import type { FastifyBaseLogger } from 'fastify'

/** Milliseconds between two notices of one kind. */
const PAUSE = 3_600_000

/** The faults of an installation, and the fields of the notice of each. No value, token or id. */
export interface Faults {
  /** A request brought several cookies of our name. */
  readonly 'duplicate-cookie': { readonly cookie: string }
  /** A token names a secret that is not configured. Anybody can write such a name. */
  readonly 'unknown-key': { readonly keyId: string, readonly known: readonly string[] }
  /** A record does not satisfy the schema. `written`: the version that wrote it; `version`: ours. */
  readonly invalid: { readonly paths: readonly string[], readonly written: number, readonly version: number }
  /** A record tells of a time `ahead` milliseconds later than ours. */
  readonly 'from-the-future': { readonly ahead: number, readonly accepted: boolean }
  /** `cookie.domain` does not cover the host of the request. */
  readonly domain: { readonly domain: string, readonly host: string }
  /** `cookie.path` does not cover the address of the request. */
  readonly path: { readonly path: string }
  /** The `Set-Cookie` is big enough to be a burden for proxies. */
  readonly size: { readonly bytes: number }
  /** The session behind an old cookie does not satisfy the schema. */
  readonly 'not-adopted': { readonly cookie: string, readonly paths: readonly string[] }
  /** An old cookie came after its time. */
  readonly 'adoption-over': { readonly cookie: string, readonly until: string }
  /** A session is bound to a device, and nobody has registered what could tell the device. */
  readonly 'no-gate': object
  readonly 'plain-http': object
  readonly public: object
  readonly 'foreign-cookie': object
}

/** The text of each. */
export const TEXTS: { readonly [Fault in keyof Faults]: (details: Faults[Fault]) => string } = {
  'duplicate-cookie': ({ cookie }) => `a request brought several cookies named ${cookie}, and none of them was used: cookie.domain, cookie.path or cookie.partitioned was changed without cookie.name, or another application of this host has the same cookie.name`,
  'unknown-key': ({ keyId, known }) => `a session cookie is sealed with a secret that this process does not know (key id ${keyId}; known: ${known.join(', ')}). After a change of SESSION_SECRET give both: secret: [new, old]. If another application of this host has the same cookie.name, rename one of the two`,
  invalid: ({ paths, written, version }) => written > version
    ? `a session of the newer version ${written} does not satisfy the schema of version ${version} (${some(paths)}) and was not used: while both are deployed, each has to accept what the other writes`
    : `a session of version ${written} does not satisfy the schema of version ${version} (${some(paths)}) and was discarded: raise version and migrate, or set onInvalid: 'salvage'`,
  'from-the-future': ({ ahead, accepted }) => `a session tells of a time ${Math.round(ahead / 1000)} seconds ahead of the clock here${accepted ? ', which is read as now' : ' and was not accepted'}: let a time server set the clocks of all machines`,
  domain: ({ domain }) => `browsers drop a session cookie of the domain ${domain} on the host of this request: set cookie.domain to a domain that the host belongs to, or leave it out, and behind a proxy set Fastify's trustProxy`,
  path: ({ path }) => `a session was changed outside cookie.path (${path}): browsers do not send the session there, so its cookie replaces the visitor's session with a new one`,
  size: ({ bytes }) => `the Set-Cookie of the session has ${bytes} bytes: proxies may answer 502 for it (nginx takes 4 KiB of response headers unless proxy_buffer_size says more). Store less, or use a store`,
  'not-adopted': ({ cookie, paths }) => `a session of the old cookie ${cookie} does not satisfy the schema (${some(paths)}) and was not adopted: let map give the stored form of the schema, or set onInvalid: 'salvage'`,
  'adoption-over': ({ cookie, until }) => `the old cookie ${cookie} is ignored since ${until}, as adopt says by until: take its adopter out, or raise until`,
  'no-gate': () => 'a session that is bound to a device was not accepted, because nothing here can tell the device: register fastify-typed-session/device-bound on every instance of the application, as long as there are such sessions',
  'plain-http': () => 'browsers drop the secure session cookie of a plain-http response: serve over https, and behind a proxy set Fastify\'s trustProxy',
  public: () => 'cache-control of a public response is replaced by no-store, because its session changed',
  'foreign-cookie': () => 'a cookie of this session that was on the response is replaced, because the session changed here as well'
}

function some (paths: readonly string[]): string {
  return paths.length > 5 ? `${paths.slice(0, 5).join(', ')}, …` : paths.join(', ')
}

/** Warns of faults of the installation: of each at once, then at most once an hour, with the number of cases. */
export class Notices {
  readonly #session: string
  readonly #said = new Map<keyof Faults, { at: number, since: number }>()

  constructor (session: string) {
    this.#session = session
  }

  say<Fault extends keyof Faults> (log: FastifyBaseLogger, fault: Fault, details: Faults[Fault]): void {
    const now = Date.now()
    const said = this.#said.get(fault)
    if (said !== undefined && Math.abs(now - said.at) < PAUSE) {
      said.since++
      return
    }
    const times = (said?.since ?? 0) + 1
    this.#said.set(fault, { at: now, since: 0 })
    const text = TEXTS[fault](details)
    const fields: Record<string, unknown> = { session: this.#session, fault, times, ...details }
    log.warn(fields, said === undefined ? text : `${text} (seen ${times} times since the last warning)`)
  }
}
