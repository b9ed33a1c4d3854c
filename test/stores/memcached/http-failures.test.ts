import { faultSuite } from '../../support/fault-suite.js'

await faultSuite('memcached')
