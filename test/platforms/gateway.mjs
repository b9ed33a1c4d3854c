// An API gateway in front of a Lambda function: node gateway.mjs MODULE VERSION, with the version of the payload format.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const [file = '', version] = process.argv.slice(2)
const { handler } = await import(pathToFileURL(file).href)

const server = createServer(async (request, response) => {
  const answer = await handler(eventOf(request, await text(request)), {})
  const cookies = answer.cookies === undefined ? {} : { 'set-cookie': answer.cookies }
  response.writeHead(answer.statusCode, { ...answer.headers, ...answer.multiValueHeaders, ...cookies })
  response.end(answer.body)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))

function eventOf ({ method, url: path, headers: { cookie, ...others } }, body) {
  const headers = { ...others, 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' }
  if (version === '2.0') {
    const cookies = cookie === undefined ? {} : { cookies: cookie.split('; ') }
    return { version, rawPath: path, headers, ...cookies, body, requestContext: { http: { method, path, sourceIp: '192.0.2.1' } } }
  }
  const all = cookie === undefined ? headers : { ...headers, cookie }
  const multiValueHeaders = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]]))
  return { version, httpMethod: method, path, headers: all, multiValueHeaders, body, requestContext: { identity: { sourceIp: '192.0.2.1' } } }
}
