// Lets the buttons of a row of downloads be dragged out of the browser as files.

const button = (event) => event.target.closest?.("[class*='st-key-download-'] button:not([disabled])");

function offered(element) {
  const row = element.closest("[class*='st-key-download-']");
  const name = [...row.classList].find((each) => each in window.__bandstandFiles);
  return name && window.__bandstandFiles[name];
}

function listen() {
  document.addEventListener("pointerover", (event) => {
    const over = button(event);
    if (over) over.draggable = Boolean(offered(over));
  });
  document.addEventListener("dragstart", (event) => {
    const dragged = button(event);
    const file = dragged && offered(dragged);
    if (!file) return;
    const [mime, name, path] = file;
    const address = new URL(path, location.origin).href;
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("DownloadURL", `${mime}:${name}:${address}`);
    event.dataTransfer.setData("text/uri-list", address);
  });
}

export default function ({ data }) {
  if (!window.__bandstandFiles) {
    window.__bandstandFiles = {};
    listen();
  }
  Object.assign(window.__bandstandFiles, data.files);
}
