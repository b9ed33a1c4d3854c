import { join } from 'node:path'
import { heavyFirst, programOf, root } from './files.mjs'

/** Whose files share processes, because they leave nothing behind: but for those of `alone`, which find nothing there either. */
const SHARING = ['test/unit/', 'test/http/', 'test/documents/']
const ALONE = 'test/http/alone/'
/** How many share one. It loads everything and gets hot once, but none should be left alone at the end. */
const MOST = 15

/** A process: its files in the order in which they run, the programs behind them, and what these are told. */
/** @typedef {{ files: string[], programs: string[], args: string[] }} Run */

/** @returns {Run[]} */
export function runsOf (/** @type {string[]} */ files) {
  const rooms = SHARING.map((room) => files.filter((file) => file.startsWith(room) && !file.startsWith(ALONE)))
  const alone = files.filter((file) => !rooms.flat().includes(file))
  return [...alone.map((file) => [file]), ...rooms.flatMap(dealt)].map(runOf)
}

/** Dealt like cards, the heavy files first: processes that take about as long as each other. */
function dealt (/** @type {string[]} */ files) {
  const count = Math.ceil(files.length / MOST)
  const sorted = heavyFirst(files)
  return Array.from({ length: count }, (_, number) => sorted.filter((_, at) => at % count === number))
}

/** @returns {Run} */
export function runOf (/** @type {string[]} */ files) {
  const programs = files.map((file) => programOf(file))
  const [[, ...args] = []] = programs
  return { files, args, programs: programs.map(([program = '']) => join(root, '.build', program.replace(/\.ts$/, '.js'))) }
}
