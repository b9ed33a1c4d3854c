// Runs in the browser: says so at once when the session of this page has ended, in another tab, on another device or by an
// administrator. The socket carries nothing; the server closes it with 1008. With 1013 it is to come again: the store was away,
// or the proof of the device is over that the socket came with. A request before that lets the browser give a newer one.
function connect () {
  const socket = new window.WebSocket('/open-tab')
  socket.addEventListener('close', ({ code }) => {
    if (code === 1008) document.getElementById('open-tab').hidden = false
    if (code === 1013) setTimeout(() => window.fetch('/open-tab.js').finally(connect), 1000)
  })
}

connect()
