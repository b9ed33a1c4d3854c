import { faultSuite } from '../support/fault-suite.js'

await faultSuite('mysql', { keepDeadConnections: ['mysql2'] })
