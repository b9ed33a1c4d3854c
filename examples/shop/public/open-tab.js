// Runs in the browser: says so at once when the session of this page has ended, in another tab, on another device or by an
// administrator. The socket carries nothing; the server closes it with 1008.
const socket = new window.WebSocket('/open-tab')
socket.addEventListener('close', ({ code }) => {
  if (code === 1008) document.getElementById('open-tab').hidden = false
})
