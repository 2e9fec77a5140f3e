// The player itself: its music, what a person does with it, the mix; one for each place on the page.

class Player extends Face {
  constructor(root) {
    super();
    this.root = root;
    this.deck = new Deck();
    this.deck.ended = () => this.refresh();
    this.mix = new Map(); // track name → {volume, mute, solo}, of the result that is shown
    this.marked = new Set(); // names of tracks that are written anew
    this.data = null; // what is shown
    this.given = null; // what the page gave, which may have what was before beside it
    this.was = false; // whether that is shown
    this.large = null; // name of the track whose lane is enlarged
    this.row = ROW; // pixels of its rows
    this.hand = new Hand(this);
    this.ready = new Ready(this);
    this.view = { from: 0, to: 1 };
    this.pending = false; // play as soon as the sound is there
    this.tick = this.tick.bind(this);
    this.watch = new ResizeObserver(() => this.paint());
    this.theme = setInterval(() => this.follow(), 400);
    this.onSeek = (event) => {
      if (event.detail?.player !== this.data?.player) return;
      this.seek(event.detail.seconds);
      if (event.detail.play && !this.deck.playing) this.toggle();
    };
    window.addEventListener("bandstand:seek", this.onSeek);
  }

  destroy() {
    this.deck.halt();
    this.ready.leave();
    clearInterval(this.theme);
    this.watch.disconnect();
    window.removeEventListener("bandstand:seek", this.onSeek);
    if (studio.players.get(this.data?.player) === this) studio.players.delete(this.data.player);
  }

  update(data, report) {
    this.report = report;
    this.coming = data;
    if (!this.hand.drag) this.arrived();
  }

  arrived() {
    // What the page gave last, once no note is being dragged.
    const { mix, ...music } = this.coming;
    const text = JSON.stringify(music);
    if (text === this.text) return;
    this.text = text;
    const data = JSON.parse(text); // a copy, whose notes a hand may change
    if (data.of !== this.given?.of) { // of the same result what is heard in this browser counts
      this.tell();
      this.mix = new Map(Object.entries(mix).map(([name, [volume, mute, solo]]) => [name, { volume, mute, solo }]));
    }
    this.hand.meet(data, this.given);
    this.given = data;
    this.was = false;
    this.take(data, data.edited !== null && data.edited > this.hand.first);
  }

  hear(was) {
    // What was before, or what is now, from the same place.
    if (was === this.was) return;
    this.hand.flush();
    if (this.hand.on) this.hand.on = false;
    this.was = was;
    const fixed = { mayEdit: false, mayRewrite: false, chordsMayChange: false };
    this.take(was ? { ...this.given, ...this.given.before, ...fixed } : this.given, true);
  }

  take(data, stays) {
    // Other music: it goes on from the same beat where some plays, or where it is the same piece (`stays`).
    const before = this.data, span = before && this.view.to - this.view.from;
    const whole = !before || span >= this.axis - 1e-6;
    this.data = data;
    this.differ();
    studio.players.set(data.player, this);
    if (before?.sound !== data.sound) {
      const alike = this.alike(before, data), pace = alike && before.beat && data.beat ? data.beat / before.beat : 1;
      const goesOn = Boolean(before) && this.deck.playing, { loop } = this.deck;
      this.pace = (goesOn ? this.pace ?? 1 : 1) * pace;
      if (!goesOn) this.deck.at = stays ? Math.min(this.deck.at * pace, data.seconds) : 0;
      this.deck.loop = alike && loop && { start: loop.start * pace, end: Math.min(loop.end * pace, this.axis) };
      if (this.deck.loop && this.deck.loop.end - this.deck.loop.start < 0.05) this.deck.loop = null;
      this.loaded = null;
      if (goesOn) this.load().then(() => this.goOn(data), () => {});
    }
    const { axis } = this, from = whole || !this.alike(before, data) ? 0 : Math.max(0, Math.min(this.view.from, axis - span));
    this.view = { from, to: from || !whole && this.alike(before, data) ? Math.min(axis, from + span) : axis };
    this.deck.seconds = data.seconds;
    this.build();
    if (before && before.sound !== data.sound && !stays && !data.compact) this.ready.tell();
    if (data.audible && (data.eager || this.pending)) {
      this.load().then((ready) => {
        this.paint();
        if (ready && this.pending) this.start();
      }, () => {});
    }
  }

  goOn(data) {
    // The sound of other music is there: it takes over while the old one plays.
    if (this.data !== data && this.data.sound !== data.sound || !this.deck.playing) return;
    const now = this.deck.position * this.pace;
    this.pace = 1;
    this.deck.play(now < data.seconds - 0.05 ? now : 0);
  }

  alike(before, data) {
    // Another version of the same piece, by its players: what is marked stays marked, and the place is the same.
    const names = (each) => each?.tracks.map((t) => t.name).sort().join();
    return names(before) === names(data) && before.beatsPerBar === data.beatsPerBar;
  }

  differ() {
    // Which notes the other version of a track has not (`fresh`), and which only that has (`ghosts`).
    const { data } = this, other = this.was ? this.given : data.before;
    const place = (n) => `${n[4]} ${n[2]}`;
    for (const track of data.tracks) {
      const old = other?.tracks.find((t) => t.name === track.name)?.notes ?? [];
      const [was, now] = [new Set(old.map(place)), new Set(track.notes.map(place))];
      track.ghosts = old.filter((n) => !now.has(place(n)));
      track.fresh = new Set(other ? track.notes.filter((n) => !was.has(place(n))) : []);
      track.compared = Boolean(other);
    }
  }

  reveal(seconds) {
    // Move the view so that this is within it.
    const span = this.view.to - this.view.from;
    if (seconds >= this.view.from && seconds < this.view.to) return;
    const from = Math.max(0, Math.min(seconds - span / 3, this.axis - span));
    this.view = { from, to: from + span };
  }

  load() {
    // Whether the sound of this music is there: false where other music came before it was.
    const sound = this.data.sound;
    this.loaded ??= Promise.all(
      this.data.tracks.map((t) => (t.url ? buffer(new URL(t.url, document.baseURI).href, this.data.rate) : null)),
    ).then((buffers) => {
      if (this.data.sound !== sound) return false;
      this.deck.buffers = buffers;
      this.applyMix();
      this.say("");
      return true;
    }).catch((error) => {
      if (this.data.sound !== sound) return false;
      this.loaded = null;
      this.report("wanted", Date.now()); // the server may have let go of it: the next run of the page serves it again
      this.say("The sound could not be loaded; press play to try again.");
      throw error;
    });
    return this.loaded;
  }

  say(text) {
    this.note.textContent = text;
  }

  // ---- what a person does -------------------------------------------------------------------------------------------

  async toggle() {
    if (this.deck.playing) {
      this.deck.pause();
      this.refresh();
      return;
    }
    context(); // inside the click, or the browser keeps it silent
    if (!this.data.audible) {
      this.pending = true;
      this.root.classList.add("waiting");
      this.say("Preparing the sound …");
      this.report("wanted", Date.now());
      return;
    }
    this.pending = true;
    this.root.classList.add("waiting");
    await this.load().then((ready) => ready && this.pending && this.start(), () => this.root.classList.remove("waiting"));
  }

  start() {
    this.pending = false;
    studio.last = this;
    this.root.classList.remove("waiting");
    for (const other of studio.players.values()) {
      if (other === this || !other.deck.playing) continue;
      const twin = this.data.group && other.data.group === this.data.group;
      if (twin) this.deck.at = Math.min(other.deck.position, this.data.seconds);
      other.deck.pause();
      other.refresh();
    }
    this.deck.play();
    this.refresh();
    requestAnimationFrame(this.tick);
  }

  seek(seconds) {
    this.deck.seek(seconds);
    this.refresh();
  }

  skip(steps) {
    const unit = this.data.beat || Math.min(1, this.data.seconds / 20);
    this.seek((Math.round(this.deck.position / unit) + steps) * unit);
  }

  loopBar() {
    const { bars } = this.data;
    if (this.deck.loop) this.deck.setLoop(null);
    else if (bars) {
      const first = Math.max(0, bars.findLastIndex(([at]) => at <= this.deck.position + 1e-6));
      this.deck.setLoop({ start: bars[first][0], end: Math.min((bars[first + 2] ?? [Infinity])[0], this.data.seconds) });
    } else {
      const bar = this.data.beat ? this.data.beat * this.data.beatsPerBar : this.data.seconds;
      const span = Math.min(this.data.beat ? bar * 2 : bar, this.axis);
      const start = Math.min(Math.floor(this.deck.position / bar + 1e-6) * bar, this.axis - span);
      this.deck.setLoop({ start: Math.max(0, start), end: Math.max(0, start) + span });
    }
    this.refresh();
  }

  writeAnew() {
    // Asks for the marked bars by the marked tracks; of one track alone there is nothing to choose.
    const bars = this.wholeBars();
    const sung = this.data.tracks.filter((t) => !t.wave);
    const players = sung.length > 1 ? sung.filter((t) => this.marked.has(t.name)).map((t) => t.name) : sung.map((t) => t.name);
    if (!players.length) this.say("Mark who plays them anew: press the pencil beside a name.");
    else if (bars) this.report("rewrite", { ...bars, players, at: Date.now() });
  }

  zoom(factor) {
    const now = this.deck.position, seconds = this.axis;
    const span = Math.min(seconds, Math.max((this.view.to - this.view.from) * factor, Math.min(1, seconds)));
    const from = Math.max(0, Math.min(now - span / 3, seconds - span));
    this.view = { from, to: from + span };
    this.refresh();
  }

  keys(event) {
    if (this.hand.keys(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
    const onSlider = event.target.type === "range";
    const onButton = event.target.tagName === "BUTTON";
    const number = Number(event.key);
    if (event.key === " " && !onButton) this.toggle();
    else if (event.key === "ArrowLeft" && !onSlider) this.skip(event.shiftKey ? -(this.data.beatsPerBar || 4) : -1);
    else if (event.key === "ArrowRight" && !onSlider) this.skip(event.shiftKey ? this.data.beatsPerBar || 4 : 1);
    else if (event.key === "Home" && !onSlider) this.seek(0);
    else if (event.key === "End" && !onSlider) this.seek(this.axis);
    else if (event.key === "l") this.loopBar();
    else if (event.key === "+") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else if (event.key === "]") this.taller(1.4);
    else if (event.key === "[") this.taller(1 / 1.4);
    else if (number >= 1 && number <= this.strips.length) this.strips[number - 1].mute.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- the mix ------------------------------------------------------------------------------------------------------

  channel(track) {
    if (!this.mix.has(track.name)) this.mix.set(track.name, { volume: track.volume ?? 1, mute: false, solo: false });
    return this.mix.get(track.name);
  }

  gains() {
    const alone = this.data.tracks.some((t) => this.channel(t).solo);
    return this.data.tracks.map((t) => {
      const channel = this.channel(t);
      return channel.mute || (alone && !channel.solo) ? 0 : channel.volume;
    });
  }

  applyMix() {
    this.gains().forEach((gain, i) => this.deck.setGain(i, gain));
  }

  mixed(later = 0) {
    this.applyMix();
    this.refresh();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.tell(), later);
  }

  tell() {
    // Python hears of the mix, and of which result it is.
    clearTimeout(this.later);
    if (!this.later) return;
    this.later = null;
    const channels = Object.fromEntries([...this.mix].map(([name, { volume, mute, solo }]) => [name, [volume, mute, solo]]));
    this.report("mix", { of: this.given.of, channels });
  }

  tick() {
    if (!this.deck.playing || !this.root.isConnected) return;
    const now = Math.min(this.deck.position, this.axis), span = this.view.to - this.view.from;
    if (span < this.axis - 1e-6 && (now > this.view.to || now < this.view.from)) {
      const from = Math.max(0, Math.min(now, this.axis - span));
      this.view = { from, to: from + span };
      this.paint();
    } else this.moving();
    requestAnimationFrame(this.tick);
  }
}

const WANTS_SPACE = ["input", "textarea", "select", "button", "a", "summary", ...["slider", "button", "option", "tab", "radio",
  "menuitem", "checkbox", "switch", "combobox"].map((role) => `[role=${role}]`)].join();

function foremost() {
  // The player that the space bar is for: the one that plays, or was heard last, or the first on the page.
  const host = (each) => each.root.getRootNode().host ?? each.root; // nodes of two shadow trees have no order
  const below = (one, other) => host(one).compareDocumentPosition(host(other)) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
  const shown = [...studio.players.values()].filter((each) => each.root.isConnected).sort(below);
  return shown.find((each) => each.deck.playing) ?? shown.find((each) => each === studio.last) ?? shown.find((each) => !each.data.compact);
}

if (!studio.space) {
  studio.space = true;
  window.addEventListener("keydown", (event) => {
    const at = event.composedPath()[0];
    if (event.key !== " " || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.isContentEditable || at.matches?.(WANTS_SPACE)) return;
    const player = studio.foremost();
    if (!player) return;
    event.preventDefault();
    player.toggle();
  });
}
studio.foremost = foremost; // of the module that was loaded last

const faces = new WeakMap(); // one Player for each place on the page, kept through reruns

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".bs");
  let player = faces.get(root);
  if (!player) faces.set(root, (player = new Player(root)));
  player.update(data, setTriggerValue);
  return () => {
    player.destroy();
    faces.delete(root);
  };
}
