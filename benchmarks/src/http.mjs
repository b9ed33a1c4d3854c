import { Agent, request } from 'node:http'

/** @typedef {{ status: number, body: any, setCookie: string[], cookie: string | undefined }} Answer */

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** What a browser would send back for these Set-Cookie headers. @param {string[]} setCookie */
const cookieHeader = (setCookie) => setCookie.length === 0 ? undefined : setCookie.map((line) => line.split(';')[0]).join('; ')

/** One request with a session's cookie, or none. @param {string} url @param {string} [cookie] @returns {Promise<Answer>} */
export function get (url, cookie) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: cookie === undefined ? {} : { cookie } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', reject).on('end', () => {
        const setCookie = response.headers['set-cookie'] ?? []
        resolve({ status: response.statusCode ?? 0, body: parse(text), setCookie, cookie: cookieHeader(setCookie) })
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
