import { Agent, request } from 'node:http'

/** @typedef {{ status: number, body: any, setCookie: string[], cookie: string | undefined }} Answer its cookie: what the browser sends next */

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/**
 * The Cookie header that a browser would send after these Set-Cookie headers, if it had sent `before`.
 *
 * @param {string | undefined} before
 * @param {readonly string[]} setCookie
 */
export function nextCookie (before, setCookie) {
  const split = (/** @type {string} */ pair) => /** @type {[string, string]} */ ([pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
  const jar = new Map(before?.split('; ').map(split))
  for (const line of setCookie) {
    const [name, value] = split(line.split(';')[0] ?? '')
    if (value === '' || /; *max-age=0/i.test(line)) jar.delete(name)
    else jar.set(name, value)
  }
  return jar.size === 0 ? undefined : [...jar].map((pair) => pair.join('=')).join('; ')
}

/** One request with a session's cookie, or none. @param {string} url @param {string} [cookie] @returns {Promise<Answer>} */
export function get (url, cookie) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: cookie === undefined ? {} : { cookie } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', reject).on('end', () => {
        const setCookie = response.headers['set-cookie'] ?? []
        resolve({ status: response.statusCode ?? 0, body: parse(text), setCookie, cookie: nextCookie(cookie, setCookie) })
      })
    })
    outgoing.on('error', reject).end()
  })
}

/** @param {string} text */
function parse (text) {
  try { return JSON.parse(text) } catch { return text }
}

/** Sessions of so many new visitors: their Cookie headers. @param {string} base @param {number} count @returns {Promise<string[]>} */
export async function openSessions (base, count) {
  /** @type {string[]} */
  const cookies = []
  let asked = 0
  const visitor = async () => {
    while (asked++ < count) {
      const { status, cookie } = await get(`${base}/new`)
      if (status !== 200 || cookie === undefined) throw new Error(`${base}/new answered ${status} ${cookie === undefined ? 'without a cookie' : ''}`)
      cookies.push(cookie)
    }
  }
  await Promise.all(Array.from({ length: 16 }, visitor))
  return cookies
}
