import { fileURLToPath } from 'node:url'
import type { FastifyRequest } from 'fastify'
import { linesOf, totalOf } from './catalogue.js'

export const here = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../shop/' : './', import.meta.url))

/** The pages that a person can be sent back to. */
export const pages = ['/', '/cart', '/login', '/account', '/admin', '/admin/confirm'] as const

/** What a view is given. The notice is shown once. */
export function page (request: FastifyRequest, title: string, more: object = {}) {
  const notice = request.session.take('notice')
  const lines = linesOf(request.session.cart)
  return { session: request.session, title, from: request.routeOptions.url ?? '/', notice, lines, total: totalOf(lines), ...more }
}

export function money (cents: number): string {
  return new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(cents / 100)
}

export function moment (date: Date): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(date)
}
