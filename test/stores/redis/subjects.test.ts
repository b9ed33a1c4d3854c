import { subjectSuite } from '../../support/subject-suite.js'

await subjectSuite('redis')
