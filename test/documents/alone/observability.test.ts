import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { metrics, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { memoryStore } from '../../../lib/stores/memory.js'
import { buildApp as sessionApp } from '../../support/app.js'
import { blocksOf } from '../../support/documents.js'
import { driverError, FaultyStore } from '../../support/faulty-store.js'
import { browser, runGuide } from '../../support/guide.js'
import { javaScriptOf } from '../../support/transpile.js'

t.test('prom-client counts the events, and the seconds of each call to the store', async (t) => {
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'observability')
  const app = buildApp()
  t.teardown(() => app.close())
  const ada = browser(app)
  t.equal((await ada.get('/')).body, '1')
  t.equal((await ada.get('/')).body, '2')
  await ada.get('/', { cookie: '__Host-Http-session=nonsense' })
  const { body } = await app.inject('/metrics')
  const lines = body.split('\n')
  t.ok(lines.includes('session_events_total{session="session",event="save",reason=""} 3'))
  t.ok(lines.includes('session_events_total{session="session",event="load",reason=""} 1'))
  t.ok(lines.includes('session_events_total{session="session",event="reject",reason="malformed"} 1'))
  t.ok(lines.includes('session_store_seconds_count{store="memoryStore",operation="load",outcome="found"} 1'))
  t.ok(lines.includes('session_store_seconds_count{store="memoryStore",operation="create",outcome="created"} 2'))
})

t.test('OpenTelemetry has a span for each call to the store, and a counter of the events', async (t) => {
  const spans = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter })
  const meters = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(meters)
  t.teardown(async () => await meters.shutdown())
  const code = blocksOf('docs/guides/observability.md').filter(({ language }) => language === 'ts').at(-1)?.code ?? ''
  const file = join(t.testdir({ 'guide.mjs': javaScriptOf(code) }), 'guide.mjs')
  const { observeSessions } = await import(pathToFileURL(file).href) as { observeSessions (): void }
  observeSessions()

  const store = new FaultyStore(memoryStore())
  const { app, client } = await sessionApp(t, { backend: 'memory', store })
  app.get('/write', async ({ session }) => ++session.visits)
  await client.get('/write')
  store.break('load', () => Promise.reject(driverError()))
  t.equal((await client.get('/write')).statusCode, 503)
  const finished = spans.getFinishedSpans().map(({ name, attributes, status }) => [name, attributes['session.outcome'], status.code])
  t.strictSame(finished, [['the session store.create', 'created', 0], ['the session store.load', undefined, 2]])
  await reader.forceFlush()
  const [counter] = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  t.strictSame(counter?.dataPoints.map(({ attributes, value }) => [attributes.event, value]), [['save', 1]])
})
