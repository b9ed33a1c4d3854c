import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { setCookies } from './app.js'

type Algorithm = 'ES256' | 'RS256'
type Inject = (request: InjectOptions) => Promise<LightMyRequestResponse>

/** What the browser has been told of one session. */
interface Bound { readonly id: string, readonly refreshUrl: string, readonly cookie: string, readonly attributes: string, readonly key: Key }

export interface Key { readonly algorithm: Algorithm, readonly privateKey: KeyObject, readonly jwk: Record<string, unknown> }

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export function makeKey (algorithm: Algorithm = 'ES256', bits = 2048): Key {
  const { privateKey, publicKey } = algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: bits })
  return { algorithm, privateKey, jwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown> }
}

/** A signed proof; with `bring`, the public key in it. `header` and `payload` replace what an honest browser says. */
export function makeProof (key: Key, challenge: string, { bring = false, header = {}, payload = {} }: { bring?: boolean, header?: object, payload?: object } = {}): string {
  const head = { alg: key.algorithm, typ: 'dbsc+jwt', ...(bring && { jwk: key.jwk }), ...header }
  const signed = `${base64url(head)}.${base64url({ jti: challenge, ...payload })}`
  const sign = createSign('sha256').update(signed)
  return `${signed}.${sign.sign({ key: key.privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url')}`
}

/** The text of a parameter in a structured field. */
export const parameter = (field: unknown, name: string): string => new RegExp(`;${name}="([^"]*)"`).exec(String(field))?.[1] ?? ''

/** The challenge for a refresh, `''` if there is none. */
export const challengeIn = (headers: Record<string, unknown>): string => /^"([\w-]{43})";id="[\w-]{22}"$/.exec(String(headers['secure-session-challenge']))?.[1] ?? ''

/**
 * A browser with Device Bound Session Credentials, as `w3c/webappsec-dbsc` and Chromium 150 have them: it keeps cookies until
 * their `Max-Age` has passed, registers where it is offered, and refreshes before a request that would lack the bound cookie.
 */
export class FakeBrowser {
  readonly cookies = new Map<string, { value: string, until: number }>()
  /** By session identifier. */
  readonly sessions = new Map<string, Bound>()
  /** What was answered to registrations and refreshes. */
  readonly answers: LightMyRequestResponse[] = []
  readonly #inject: Inject
  readonly #algorithm: Algorithm
  readonly #quoted: boolean

  constructor (inject: Inject, { algorithm = 'ES256', quoted = false }: { algorithm?: Algorithm, quoted?: boolean } = {}) {
    this.#inject = inject
    this.#algorithm = algorithm
    this.#quoted = quoted
  }

  /** The `Cookie` header that it would send now. */
  get header (): string {
    const now = Date.now()
    return [...this.cookies].filter(([, { until }]) => until > now).map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  /** The one session that it has. */
  get bound (): Bound {
    const [bound] = this.sessions.values()
    if (bound === undefined || this.sessions.size > 1) throw new Error(`the browser has ${this.sessions.size} sessions`)
    return bound
  }

  async get (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return await this.send({ method: 'GET', url, headers })
  }

  async post (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return await this.send({ method: 'POST', url, headers })
  }

  /** As a person's browser does it: refreshes first, registers afterwards. */
  async send (request: InjectOptions): Promise<LightMyRequestResponse> {
    for (const bound of [...this.sessions.values()]) if (!this.header.includes(`${bound.cookie}=`)) await this.refresh(bound)
    const response = await this.bare(request)
    const offer = response.headers['secure-session-registration']
    if (offer !== undefined) await this.register(String(offer))
    return response
  }

  /** As a browser without the feature does it. */
  async bare (request: InjectOptions): Promise<LightMyRequestResponse> {
    const cookie = this.header !== '' && { cookie: this.header }
    const response = await this.#inject({ ...request, headers: { ...cookie, ...request.headers } })
    this.#take(setCookies(response.headers))
    return response
  }

  async register (offer: string, key = makeKey(this.#algorithm), proof = makeProof(key, parameter(offer, 'challenge'), { bring: true })): Promise<LightMyRequestResponse> {
    const response = await this.#protocol(parameter(offer, 'path'), { 'secure-session-response': this.#text(proof) })
    if (response.statusCode === 200) this.#learn(response.json(), key)
    return response
  }

  /** Proves for each challenge that it gets, once. */
  async refresh (bound = this.bound): Promise<LightMyRequestResponse> {
    const asked = await this.ask(bound)
    const challenge = asked.headers['secure-session-challenge']
    return asked.statusCode === 403 && challenge !== undefined ? await this.prove(challengeFor(String(challenge), bound.id), bound) : asked
  }

  /** The first half of a refresh. */
  async ask (bound = this.bound): Promise<LightMyRequestResponse> {
    return this.#heed(await this.#protocol(bound.refreshUrl, { 'sec-secure-session-id': this.#text(bound.id) }), bound)
  }

  /** The second half. `proof`: in place of an honest one. */
  async prove (challenge: string, bound = this.bound, proof = makeProof(bound.key, challenge)): Promise<LightMyRequestResponse> {
    return this.#heed(await this.#protocol(bound.refreshUrl, { 'sec-secure-session-id': this.#text(bound.id), 'secure-session-response': this.#text(proof) }), bound)
  }

  async #protocol (url: string, headers: Record<string, string>): Promise<LightMyRequestResponse> {
    const response = await this.bare({ method: 'POST', url, headers })
    this.answers.push(response)
    return response
  }

  /** "Send request" of the draft: which answers end a session in the browser. */
  #heed (response: LightMyRequestResponse, { id, key }: Bound): LightMyRequestResponse {
    const { statusCode } = response
    if (statusCode >= 400 && statusCode < 500 && ![403, 407, 429].includes(statusCode)) this.sessions.delete(id)
    if (statusCode === 200) this.#learn(response.json(), key)
    return response
  }

  #learn (instructions: Record<string, any>, key: Key): void {
    if (instructions.continue === false) {
      this.sessions.delete(instructions.session_identifier)
      return
    }
    const [{ name, attributes }] = instructions.credentials
    if (typeof instructions.scope.origin !== 'string' || /max-age|expires|partitioned/i.test(attributes)) throw new Error('malformed: the browser says nothing, and has no session')
    this.sessions.set(instructions.session_identifier, { id: instructions.session_identifier, refreshUrl: instructions.refresh_url, cookie: name, attributes, key })
  }

  #take (lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      const maxAge = /; Max-Age=(\d+)/i.exec(line)?.[1]
      if (maxAge === '0') this.cookies.delete(name)
      else this.cookies.set(name, { value, until: maxAge === undefined ? Infinity : Date.now() + Number(maxAge) * 1000 })
    }
  }

  #text (text: string): string {
    return this.#quoted ? `"${text}"` : text
  }
}

/** A challenge counts for the session that it names only. */
function challengeFor (header: string, id: string): string {
  const found = new RegExp(`"([^"]*)";id="${id}"`).exec(header)?.[1]
  if (found === undefined) throw new Error(`no challenge for this session in ${header}`)
  return found
}
