/** Rooms whose files share processes, because each leaves nothing behind. Those of `alone` also need to find nothing. */
const SHARING = ['test/unit/', 'test/http/', 'test/documents/']
const ALONE = /\/alone\//
/** How many share one. With more, a processor would have nothing to do at the end. */
const MOST = 15

/** The files of each process, in the order in which they run. */
export function runsOf (/** @type {string[]} */ files) {
  const rooms = SHARING.map((room) => files.filter((file) => file.startsWith(room) && !ALONE.test(file)))
  const alone = files.filter((file) => !rooms.flat().includes(file))
  return [...alone.map((file) => [file]), ...rooms.flatMap(dealt)]
}

/** Dealt like cards: of files that come with the heavy ones first, processes that take about as long as each other. */
function dealt (/** @type {string[]} */ files) {
  const count = Math.ceil(files.length / MOST)
  return Array.from({ length: count }, (_, number) => files.filter((_, at) => at % count === number))
}
