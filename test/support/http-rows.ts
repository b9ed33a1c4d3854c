import { changeRows } from './http-changes.js'
import { endRows } from './http-ends.js'
import { lifeRows } from './http-life.js'
import type { Rows } from './http-scene.js'
import { sharingRows } from './http-sharing.js'

/** What an application sees of its sessions, whatever they are kept in. */
export const httpRows: Rows = { ...changeRows, ...lifeRows, ...endRows, ...sharingRows }
