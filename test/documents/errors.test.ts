import t from 'tap'
import { SessionError, StoreFailed } from '../../lib/errors.js'

t.test('every error is a SessionError with a code and a status', async (t) => {
  const error = new StoreFailed()
  t.ok(error instanceof SessionError)
  t.ok(error instanceof Error)
  t.equal(error.code, 'FST_TYPED_SESSION_STORE_FAILED')
  t.equal(error.statusCode, 503)
})
