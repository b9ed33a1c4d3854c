import { fileURLToPath } from 'node:url'

/** The folder of the project, with a slash at the end. Tests run as JavaScript in `.build`, which has its layout. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))
