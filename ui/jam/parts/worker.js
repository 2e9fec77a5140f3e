// The socket of a jam, away from the page: what a page's main thread does, however long, holds up no bar.
//
// From the page: {open: address, start: settings, port: to the worklet}, {close: true}, and what the server is to be told
// (ui/jam/socket.py). All that the server says goes to the page; bars go to the worklet too.

let socket = null;
let sound = null;

self.onmessage = ({ data }) => {
  if (data.open) {
    socket?.close();
    sound = data.port;
    sound.onmessage = ({ data: said }) => send({ sounds: said.sounds });
    const own = (socket = new WebSocket(data.open));
    own.onopen = () => send({ start: data.start });
    own.onmessage = (message) => {
      const said = JSON.parse(message.data);
      if (said.tracks) sound.postMessage(said);
      self.postMessage(said);
    };
    own.onclose = () => own === socket && self.postMessage({ closed: true });
  } else if (data.close) {
    const own = socket;
    socket = null;
    own?.close();
  } else send(data);
};

function send(said) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(said));
}
