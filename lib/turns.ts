export type Turns = <T>(key: string, turn: () => Promise<T>) => Promise<T>

/** Runs what concerns one key one after the other; different keys do not wait for each other. */
export function createTurns (): Turns {
  const last = new Map<string, Promise<unknown>>()
  return (key, turn) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(turn, turn)
    last.set(key, mine)
    const forget = () => { if (last.get(key) === mine) last.delete(key) }
    mine.then(forget, forget)
    return mine
  }
}
