import t from 'tap'
import { sessionsOn } from '../../../lib/guards/wiring.js'

t.test('an instance that was made before the package was loaded has no sessions', async (t) => {
  t.strictSame(sessionsOn({} as never), [])
})
