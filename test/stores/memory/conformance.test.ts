import t from 'tap'
import { memoryStore } from '../../../lib/stores/memory.js'
import { conforms } from '../../support/conformance.js'

conforms(t, () => memoryStore())
