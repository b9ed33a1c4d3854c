import { Panel } from './panel.js'

/** Milliseconds between two questions. */
const PAUSE = 1_000
const PATIENCE = 5_000

const live = document.getElementById('live')
const main = document.getElementById('sessions')
const panels = new Map()
const address = (path) => new URL(path, import.meta.url)

/** The state that is shown, by the name that the server gives it. */
let tag = ''
/** Milliseconds that the server's clock is ahead of ours. */
let ahead = 0
let asking = false
let timer

async function look () {
  clearTimeout(timer)
  if (asking) return
  if (document.hidden) return say('Paused')
  asking = true
  const answer = await ask()
  asking = false
  timer = setTimeout(look, answer === null ? PATIENCE : PAUSE)
  if (answer !== null && answer.status !== 304) draw(answer)
}

/** `null`: the server has not answered as it should. */
async function ask () {
  try {
    const response = await fetch(address('state'), { headers: { 'if-none-match': tag }, cache: 'no-store' })
    if (response.status === 304) return say('Live', response)
    if (!response.ok) return say(`The server answers ${response.status}`, null)
    const { sessions } = await response.json()
    return say('Live', { sessions, tag: response.headers.get('etag') ?? '', now: Date.parse(response.headers.get('date') ?? '') })
  } catch {
    return say('The server does not answer', null)
  }
}

function draw ({ sessions, tag: name, now }) {
  tag = name
  ahead = (now || Date.now()) - Date.now()
  for (const view of sessions) {
    if (!panels.has(view.name)) {
      const panel = new Panel(view.name, (id) => end(view.name, id))
      panels.set(view.name, panel)
      main.append(panel.element)
    }
    panels.get(view.name).update(view)
  }
  tick()
}

/** `null`: it could not be done. */
async function end (name, id) {
  try {
    const response = await fetch(address(`end/${encodeURIComponent(name)}/${encodeURIComponent(id)}`), { method: 'POST' })
    return response.ok ? (await response.json()).ended : null
  } catch {
    return null
  } finally {
    look()
  }
}

function say (text, answer) {
  if (live.textContent !== text) live.textContent = text
  live.classList.toggle('good', text === 'Live')
  return answer
}

function tick () {
  for (const panel of panels.values()) panel.tick(Date.now() + ahead)
}

document.getElementById('host').textContent = window.location.host
document.addEventListener('visibilitychange', look)
setInterval(tick, 1_000)
look()
