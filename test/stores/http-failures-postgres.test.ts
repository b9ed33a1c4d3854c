import { faultSuite } from '../support/fault-suite.js'

await faultSuite('postgres', { keepDeadConnections: ['postgres.js'], slowAfterReset: { 'postgres.js': 30_000 } })
