/** Removes one batch after the other, for as long as they are full. Other work of the process goes on in between. */
export async function sweepInBatches (size: number, removeBatch: () => Promise<number>): Promise<number> {
  let removed = 0
  let batch: number
  do {
    batch = await removeBatch()
    removed += batch
    await new Promise((resolve) => setImmediate(resolve))
  } while (batch === size)
  return removed
}

/** One row after the other. A page begins after the last row of the page before, whatever was removed meanwhile. */
export async function * inPages<Row, Place> (
  size: number, start: Place, page: (after: Place) => Promise<Row[]>, placeOf: (row: Row) => Place
): AsyncGenerator<Row> {
  let place = start
  let rows: Row[]
  do {
    rows = await page(place)
    for (const row of rows) {
      place = placeOf(row)
      yield row
    }
  } while (rows.length === size)
}
