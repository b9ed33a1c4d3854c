import { fileURLToPath } from 'node:url'
import type { FastifyRequest } from 'fastify'
import { linesOf, totalOf } from './catalogue.js'

export const here = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../shop/' : './', import.meta.url))

/** What a view is given. The notice is shown once. */
export function page (request: FastifyRequest, more: object = {}) {
  const notice = request.session.take('notice')
  const lines = linesOf(request.session.cart)
  return { session: request.session, notice, lines, total: totalOf(lines), ...more }
}

export function money (cents: number): string {
  return new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(cents / 100)
}

export function moment (date: Date): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(date)
}
