import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { conforms } from '../../support/conformance.js'

conforms(t, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sessions-'))
  return { store: fileStore({ directory, lockTimeout: 60 }), close: () => rmSync(directory, { recursive: true }) }
})
