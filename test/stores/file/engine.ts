import { join } from 'node:path'
import { fileStore } from '../../../lib/stores/file.js'
import { type Engine, inDirectory } from '../../support/engine.js'

export default {
  files: {
    start: async () => await inDirectory('sessions'),
    clients: {
      file: (directory) => ({
        store: (folder = '.') => fileStore({ directory: join(directory, folder), lockTimeout: 60 }),
        close () {}
      })
    }
  }
} satisfies Engine
