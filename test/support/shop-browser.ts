import { request } from 'node:http'

/** A person at the shop. One connection per request. Sends Secure cookies over plain http, as browsers do to localhost. */
export class Browser {
  readonly #port: number
  readonly #cookies = new Map<string, string>()

  constructor (port: number) {
    this.#port = port
  }

  copy (): Browser {
    const other = new Browser(this.#port)
    for (const [name, value] of this.#cookies) other.#cookies.set(name, value)
    return other
  }

  /** The text of the element with this id. `/cart` changes no session, `/` counts. */
  async read (id: string, path = '/cart'): Promise<string | null> {
    return new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(await this.#send('GET', path))?.[1] ?? null
  }

  /** How many elements there are of this class. */
  async count (name: string, path: string): Promise<number> {
    return (await this.#send('GET', path)).split(`class="${name}"`).length - 1
  }

  async post (path: string, form: Record<string, string>): Promise<void> {
    await this.#send('POST', path, new URLSearchParams(form).toString())
  }

  #send (method: string, path: string, body = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '), 'content-type': 'application/x-www-form-urlencoded' }
      request({ port: this.#port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
        for (const line of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          if (/Max-Age=0/i.test(line)) this.#cookies.delete(name)
          else this.#cookies.set(name, value)
        }
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk })
        response.on('end', () => (response.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`)))
      }).on('error', reject).end(body)
    })
  }
}
