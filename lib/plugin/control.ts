import type { CookieSource, ListedSession, OpenedSession, SessionHookName, SessionPolicy, Sessions } from '../../types/index.js'
import { cookieHeader, readCookie } from '../http/cookie.js'
import { InvalidOption, NotConfigured } from '../errors.js'
import type { Data } from '../session/merge.js'
import { describeSettings } from '../options/policy.js'
import { publicHandle } from '../tokens/public-id.js'
import { deadline } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import { loadBackend } from './setup.js'
import { SubjectSessions } from './subjects.js'

/** `app.sessions`: acts on sessions from outside their requests. */
export class SessionControl implements Sessions<Data> {
  readonly #runtime: Runtime
  readonly #sentTo: (source: object) => string | null
  #reloads = 0
  #loaded = 0

  /** `sentTo`: the `Set-Cookie` of the response to a request, if it has one by now. */
  constructor (runtime: Runtime, sentTo: (source: object) => string | null) {
    this.#runtime = runtime
    this.#sentTo = sentTo
  }

  policy (): SessionPolicy {
    return describeSettings(this.#runtime.settings, this.#runtime.keyIds)
  }

  addHook (name: SessionHookName, hook: (event: never) => void | Promise<void>): void {
    this.#runtime.hooks.add(name, hook)
  }

  async open (source: CookieSource | string | undefined): Promise<OpenedSession<Data> | null> {
    const { settings, backend, opener, codec } = this.#runtime
    const found = readCookie(this.#headerOf(source), settings.cookie.name)
    const loaded = typeof found === 'string' ? await backend.load(found, Date.now()) : null
    if (loaded?.state !== 'found') return null
    const { place } = loaded
    const opened = opener.open(place.record)
    if (!opened.ok) return null
    const { times } = place.record
    return {
      id: publicHandle(place.key),
      data: codec.copy(opened.data),
      createdAt: new Date(times.createdAt),
      expiresAt: new Date(deadline(times, place.usedAt, settings)),
      authenticatedAt: times.authenticatedAt === 0 ? null : new Date(times.authenticatedAt)
    }
  }

  async list (subject: string): Promise<ListedSession[]> {
    return await new SubjectSessions(this.#runtime, subject).list()
  }

  async destroy (id: string, subject: string): Promise<boolean> {
    return await new SubjectSessions(this.#runtime, subject).destroy(id)
  }

  async destroyAll (subject: string, { except = [] }: { except?: string | readonly string[] } = {}): Promise<number> {
    return await new SubjectSessions(this.#runtime, subject).destroyAll([except].flat())
  }

  async revokeAll (): Promise<void> {
    const { backend: { records }, settings: { name }, sockets } = this.#runtime
    if (!records?.notBefore) throw new NotConfigured(`${name}s.revokeAll()`, 'revocations')
    await records.notBefore.begin(Date.now())
    sockets.checkAll()
  }

  async reloadSecrets (): Promise<void> {
    const reload = ++this.#reloads
    const loaded = await loadBackend(this.#runtime.settings, this.#runtime.secret)
    // An answer that comes late must not undo a later one.
    if (reload < this.#loaded) return
    this.#loaded = reload
    Object.assign(this.#runtime, loaded)
  }

  async sweep (): Promise<number> {
    const { store, revocations } = this.#runtime.settings
    let removed = 0
    for (const kept of new Set([store, revocations])) removed += await kept?.sweep?.() ?? 0
    return removed
  }

  /** For `testing`. */
  static runtimeOf (control: SessionControl): Runtime {
    return control.#runtime
  }

  /** The `Cookie` header that the browser sends, or will send next. */
  #headerOf (source: CookieSource | string | undefined): string | undefined {
    if (source === undefined || typeof source === 'string') return source
    const header = cookieHeader(source?.headers)
    if (header === null) throw new InvalidOption('open(source)', 'must be a request, or the text of its Cookie header, or undefined if it has none')
    return this.#sentTo(source)?.split(';', 1).join() ?? header
  }
}
