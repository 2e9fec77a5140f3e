// What a page's tab does: it says its name in a cookie in the moment in which it is left, so that a reload finds what it
// had; the menu says which page is open; a page that opens is one step of the browser's Back; a link may lead to a
// control (`open`), which is unfolded and has the focus; and plots follow light and dark at once.

const COOKIE = "bandstand_tab";
const PATIENCE = 10_000; // milliseconds
const write = (value, seconds) =>
  (document.cookie = `${COOKIE}=${value}; path=/; max-age=${seconds}; SameSite=Strict`);

function mark(until = 0) {
  const scheme = getComputedStyle(document.querySelector(".stApp")).colorScheme;
  const before = document.documentElement.style.colorScheme;
  if (before !== scheme) document.documentElement.style.colorScheme = scheme; // of menus too
  if (before && before !== scheme && document.querySelector(".js-plotly-plot")) window.__bandstandTheme("theme", scheme);
  const last = (path) => path.replace(/\?.*/, "").split("/").pop();
  for (const link of document.querySelectorAll(".st-key-menu a")) {
    if (last(link.getAttribute("href")) === last(location.pathname)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (Date.now() < until && !document.querySelector(".st-key-menu a[aria-current]")) setTimeout(() => mark(until), 100);
}

function lead(names, until) {
  const found = names.map((name) => document.querySelector(`.st-key-${name}`));
  for (const one of found) one?.querySelector("details:not([open]) > summary")?.click();
  const last = found.at(-1)?.querySelector("input:not([type=file]), textarea, button:not([aria-label^=Help])");
  if (last) {
    last.focus({ preventScroll: true });
    found.at(-1).scrollIntoView({ block: "center" });
  } else if (Date.now() < until) setTimeout(() => lead(names, until), 200);
}

function steps() {
  // What Streamlit writes into the address while a page opens is no step of its own, nor that it takes a page's controls
  // out of it when a link leads away: Back leads to where one came from, as it was.
  const { pushState } = history;
  let opening = false, leaving = false;
  for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => (opening = leaving = false), true);
  addEventListener("click", (press) => {
    const link = press.target.closest?.("a[href]:not([download], [target=_blank])");
    const there = link && new URL(link.getAttribute("href"), location);
    const here = !press.ctrlKey && !press.metaKey && !press.shiftKey; // else in a tab or window of its own
    leaving = Boolean(there) && here && there.origin === location.origin && there.pathname !== location.pathname;
  }, true);
  history.pushState = (state, title, url) => {
    const elsewhere = new URL(url, location).pathname !== location.pathname;
    if (leaving && !elsewhere) return;
    (opening && !elsewhere ? history.replaceState : pushState).call(history, state, title, url);
    opening ||= elsewhere;
    leaving &&= !elsewhere;
  };
}

export default function ({ data, setTriggerValue }) {
  window.__bandstandTheme = setTriggerValue; // plots, whose colours the page gives, are drawn anew
  if (!window.__bandstandTab) {
    write("", 0); // another tab's
    steps();
    window.addEventListener("pagehide", () => write(window.__bandstandTab, 60));
    new MutationObserver(() => mark()).observe(document.querySelector(".stApp"), { attributeFilter: ["class"] }); // light, dark
  }
  window.__bandstandTab = data.name;
  mark(Date.now() + PATIENCE);
  if (data.open) lead(data.open.split(","), Date.now() + 3 * PATIENCE); // a page that opens for the first time is slow
}
