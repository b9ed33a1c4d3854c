import * as z from 'zod'

/** Where a plugin has its routes. */
export const prefixSuchAs = (example: string) =>
  z.string('must be a text').regex(/^(?:\/[\w.~-]+)+$/, `must be a path such as ${example}: it begins with a slash and does not end with one`)
