// Everything on the page is made of elements and texts, never of HTML: the data of a session cannot become part of the page.

/** An element. `properties`: attributes; those that are `false` or `null` are left out. `children`: elements and texts. */
export function el (name, properties = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (value !== null && value !== false) element.setAttribute(key, value === true ? '' : value)
  }
  element.append(...present(children))
  return element
}

/** Without what is `null`: there is nothing to show of it. */
const present = (children) => children.flat().filter((child) => child !== null)

const drawn = new WeakMap()

/** Fills `container` with what `draw` makes of `value`, if that has changed: a child, or a list of which some may be `null`. The focus stays where it was, or near it. */
export function show (container, value, draw) {
  const text = JSON.stringify(value)
  if (drawn.get(container) === text) return
  drawn.set(container, text)
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined
  container.replaceChildren(...present([draw(value)]))
  if (focused !== undefined) (container.querySelector(`[data-key="${window.CSS.escape(focused)}"]`) ?? container).focus()
}

/** How much of a bar is filled, from 0 to 1. */
export function fill (bar, share) {
  bar.style.setProperty('--share', String(Math.min(1, Math.max(0, share))))
}
