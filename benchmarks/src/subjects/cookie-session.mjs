import { createServer } from 'node:http'
import cookieSession from 'cookie-session'
import express from 'express'
import { newVisitor } from '../session.mjs'
import { defineExpressRoutes } from './routes.mjs'

/** On Express, where it lives. README "Simple view counter example". The cookie is signed by `keygrip` and can be read by everybody who has it. */
export async function build () {
  const app = express()
  app.use(cookieSession({ name: 'session', keys: ['a secret with minimum length of 32 characters'] }))
  defineExpressRoutes(app, {
    all: (request) => request.session,
    cart: (request) => request.session.cart,
    visit: (request) => { request.session.visits++; return request.session.cart },
    create: (request) => Object.assign(request.session, newVisitor()).cart
  })
  return { server: createServer(app) }
}
