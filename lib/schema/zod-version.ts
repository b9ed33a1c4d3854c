import * as z from 'zod'
import { OldZod } from '../errors.js'

/** Throws `FST_TYPED_SESSION_OLD_ZOD` where npm would not have installed this Zod: other package managers only warn. */
export function assertZod (zod: object): void {
  if (!('codec' in zod)) throw new OldZod('core' in zod ? 'an older zod 4' : 'zod 3')
}

assertZod(z)
