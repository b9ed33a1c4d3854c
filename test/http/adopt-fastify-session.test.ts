import t from 'tap'
import { adoptionSuite } from '../support/adoption-suite.js'
import { OLDER_KEY, fastifySessionApplication } from '../support/old-applications.js'

t.test('sessions of @fastify/session, whose application runs beside ours', async (t) => await adoptionSuite(t, fastifySessionApplication, OLDER_KEY))
