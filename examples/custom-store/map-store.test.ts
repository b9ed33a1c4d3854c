import { test } from 'node:test'
import { storeConformance } from 'fastify-typed-session/conformance'
import { mapStore } from './map-store.js'

storeConformance(test, () => mapStore())
