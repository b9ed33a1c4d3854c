import t from 'tap'
import { mapStore } from '../../../examples/custom-store/map-store.js'
import { conforms } from '../../support/conformance.js'

conforms(t, () => mapStore())
