import { within } from '../timeout.js'

/** Milliseconds that statements of a pool still have when it has been replaced: those on the lost connection would wait on. */
const GRACE = 250
/** Milliseconds that a pool lives at least: a server that is away does not get one for every request. */
const SHORTEST_LIFE = 100

interface Endable {
  end (options: { timeout: number }): PromiseLike<unknown>
}

/**
 * A pool of postgres.js, and another one when a connection of it is lost. After a reset, a connection of postgres.js 3.4 may
 * write nothing for half a minute (docs/failures.md).
 */
export class RenewedSql<Sql extends Endable> {
  readonly #make: () => Sql
  readonly #patience: number
  #sql: Sql
  #madeAt = performance.now()
  #renewal: NodeJS.Timeout | undefined
  #isClosed = false

  /** `patience`: milliseconds for one statement. */
  constructor (make: () => Sql, patience: number) {
    this.#make = make
    this.#patience = patience
    this.#sql = make()
  }

  async run<T> (statement: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = this.#sql
    try {
      return await within(this.#patience, statement(sql))
    } catch (error) {
      if (sql === this.#sql && !this.#isClosed && isLoss(error)) this.#lose()
      throw error
    }
  }

  async close (): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#renewal)
    await this.#sql.end({ timeout: this.#patience / 1000 })
  }

  /** Without waiting for the next statement: others may be waiting on the lost connection. */
  #lose (): void {
    this.#renewal ??= setTimeout(() => this.#renew(), this.#madeAt + SHORTEST_LIFE - performance.now()).unref()
  }

  #renew (): void {
    const old = this.#sql
    this.#renewal = undefined
    this.#madeAt = performance.now()
    try {
      this.#sql = this.#make()
    } catch {
      // The old pool may recover by itself, and the next loss asks for another one again.
      return
    }
    setTimeout(() => old.end({ timeout: 0 }), GRACE).unref()
  }
}

/**
 * An error of the server itself has a severity. It is a loss only if it takes the connection with it: connection exceptions
 * and operator intervention, https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isLoss (error: unknown): boolean {
  const { severity, code } = Object(error) as { severity?: unknown, code?: unknown }
  return severity === undefined || /^(?:08|57P)/.test(String(code))
}
