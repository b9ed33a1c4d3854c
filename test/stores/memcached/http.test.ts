import { httpSuite } from '../../support/http-suite.js'

await httpSuite('memcached')
