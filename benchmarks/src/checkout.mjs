import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Imports files of a checkout by their paths: of its build, or of a package that it depends on. What is measured there must
 * be what the package has, and not the copy of some peer.
 *
 * @param {string} root
 * @returns {(path: string) => Promise<any>}
 */
export const fromCheckout = (root) => (path) => import(pathToFileURL(join(root, path)).href)
