/** @typedef {{ median: number, low: number, high: number }} Spread of the rounds: the middle, the least, the most */

/** @param {readonly number[]} values */
export function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** @param {readonly number[]} values @returns {Spread} */
export const spread = (values) => ({ median: median(values), low: Math.min(...values), high: Math.max(...values) })
