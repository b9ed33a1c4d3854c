import { runInNewContext } from 'node:vm'
import t from 'tap'
import ts from 'typescript'
import { clientOptions, sizeOptions } from '../support/client-options.js'
import { blocksOf, codeIn, documents, readText, tableOf } from '../support/documents.js'

type Driver = keyof typeof clientOptions

/** By what is called to make a client. */
const makers: ReadonlyMap<string, Driver> = new Map([
  ['Redis', 'ioredis'],
  ['createClient', 'redis'],
  ['MemcacheClient', 'memcache-client'],
  ['Pool', 'pg'],
  ['postgres', 'postgres'],
  ['createPool', 'mysql2'],
  ['MongoClient', 'mongodb'],
  ['DynamoDB', '@aws-sdk/client-dynamodb']
])

interface Made { readonly driver: Driver, readonly options: unknown }

/** Where a server is, how many connections it gets, and when the first one is made: not what a failure depends on. */
const free = new Set([...Object.values(sizeOptions), 'connectionString', 'uri', 'server', 'lazyConnect'])

/** As plain data: a function as what it returns for the first attempts. */
function plain (options: object): unknown {
  const kept = Object.entries(options).filter(([name]) => !free.has(name))
  const attempts = Array.from({ length: 20 }, (_, index) => index)
  return JSON.parse(JSON.stringify(Object.fromEntries(kept), (_, value: unknown) =>
    typeof value === 'function' ? attempts.map((attempt) => value(attempt) as number) : value))
}

const expected = Object.fromEntries(Object.entries(clientOptions).map(([driver, options]) => [driver, plain(options)]))

function evaluate (expression: string): object {
  const { outputText } = ts.transpileModule(`(${expression})`, { compilerOptions: { target: ts.ScriptTarget.ES2022 } })
  return runInNewContext(outputText, { URL, process: { env: {} }, address: 'tcp://localhost:1' }) as object
}

/** What a program calls, each with the last object that it passes. */
function callsIn (code: string): Array<{ name: string, options: object }> {
  const calls: Array<{ name: string, options: object }> = []
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
      const name = node.expression.getText().split('.').at(-1) ?? ''
      const options = node.arguments?.findLast(ts.isObjectLiteralExpression)
      if (makers.has(name) || name === 'Cluster') calls.push({ name, options: options === undefined ? {} : evaluate(options.getText()) })
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('program.ts', code, ts.ScriptTarget.ES2022, true))
  return calls
}

/** The clients that a program makes, each with the options it gets. */
function madeIn (code: string): Made[] {
  return callsIn(code).flatMap(({ name, options }) => {
    const driver = makers.get(name)
    return driver === undefined ? [] : [{ driver, options: plain(options) }]
  })
}

const places = [
  ...documents.map((path) => ({ path, made: blocksOf(path).flatMap(({ code }) => madeIn(code)) })),
  { path: 'examples/shop/store.ts', made: madeIn(readText('examples/shop/store.ts')) }
]

for (const { path, made } of places.filter(({ made }) => made.length > 0)) {
  t.test(`the clients of ${path} have the options that the failure tests run with`, async (t) => {
    for (const { driver, options } of made) t.strictSame(options, expected[driver], driver)
  })
}

t.test('whoever copies a client that emits its errors copies a listener too: without one the first error may end the process', async (t) => {
  const emits = /\bnew Redis\(|\bcreateClient\(|\bnew pg\.Pool\(|\bdrizzle\(/
  const emitting = documents.flatMap(blocksOf).filter(({ code }) => emits.test(code))
  t.ok(emitting.length > 7)
  t.strictSame(emitting.filter(({ code }) => !code.includes(".on('error', ")).map(({ document, line }) => `${document}:${line}`), [])
})

t.test('every driver is shown with its options in docs, and all but two in the shop', async (t) => {
  const shownIn = (folder: string) => [...new Set(places.filter(({ path }) => path.startsWith(folder)).flatMap(({ made }) => made.map(({ driver }) => driver)))].sort()
  t.strictSame(shownIn('docs/'), Object.keys(expected).sort())
  t.strictSame(shownIn('examples/'), Object.keys(expected).filter((driver) => !['redis', 'postgres'].includes(driver)).sort())
})

t.test('the shop\'s client of a Cluster has those that the tests give one', async (t) => {
  const { maxRetriesPerRequest, commandTimeout, connectTimeout, socketTimeout } = clientOptions.ioredis
  const [cluster] = callsIn(readText('examples/shop/store.ts')).filter(({ name }) => name === 'Cluster')
  t.same(cluster?.options, { lazyConnect: true, redisOptions: { maxRetriesPerRequest, commandTimeout, connectTimeout, socketTimeout } })
})

t.test('docs/failures.md names the options and the versions that it was seen with', async (t) => {
  const { rows } = tableOf('docs/failures.md', 'When the store\'s server fails', 'driver')
  for (const [name = '', cell = ''] of rows) {
    const driver = codeIn(name).join() as Driver
    const { version } = JSON.parse(readText(`node_modules/${driver}/package.json`)) as { version: string }
    t.equal(/ (\d+\.\d+)/.exec(name)?.[1], version.split('.', 2).join('.'), driver)
    const options = codeIn(cell)
    if (options.length === 0) t.match(cell, /^\[docs\/(redis|memcached|dynamodb)\.md\]/)
    else {
      t.strictSame(plain(evaluate(`{ ${options.filter((code) => code.includes(':')).join()} }`)), expected[driver], driver)
      t.strictSame(options.filter((code) => !code.includes(':')), [sizeOptions[driver as keyof typeof sizeOptions]], driver)
    }
  }
  t.strictSame(rows.map(([name = '']) => codeIn(name).join()).sort(), Object.keys(expected).sort())
})
