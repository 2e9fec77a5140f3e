// The player itself: its music, what a person does with it, the mix; one for each place on the page.

class Player extends Face {
  constructor(root) {
    super();
    this.root = root;
    this.deck = new Deck();
    this.deck.ended = () => this.refresh();
    this.mix = new Map(); // track name → {volume, mute, solo}: survives a new song with the same tracks
    this.data = null;
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
    clearInterval(this.theme);
    this.watch.disconnect();
    window.removeEventListener("bandstand:seek", this.onSeek);
    if (studio.players.get(this.data?.player) === this) studio.players.delete(this.data.player);
  }

  update(data, report) {
    this.report = report;
    const before = this.data;
    if (before && JSON.stringify(before) === JSON.stringify(data)) return;
    this.data = data;
    studio.players.set(data.player, this);
    const same = before?.sound === data.sound;
    if (!same) {
      const goesOn = before && this.deck.playing && Math.abs(before.seconds - data.seconds) < 0.01;
      if (this.deck.playing && !goesOn) this.deck.pause();
      if (!goesOn) this.deck.at = 0;
      if (!goesOn || (before && before.seconds !== data.seconds)) {
        this.deck.loop = null;
        this.view = { from: 0, to: Math.max(data.seconds, 0.05) };
      }
      this.loaded = null;
      if (goesOn) this.load().then(() => this.deck.playing && this.deck.play(this.deck.position), () => {});
    }
    this.deck.seconds = data.seconds;
    this.build();
    if (data.audible && (data.eager || this.pending)) {
      this.load().then(() => {
        this.paint();
        if (this.pending) this.start();
      }, () => {});
    }
  }

  load() {
    const sound = this.data.sound;
    this.loaded ??= Promise.all(
      this.data.tracks.map((t) => (t.url ? buffer(new URL(t.url, document.baseURI).href, this.data.rate) : null)),
    ).then((buffers) => {
      if (this.data.sound !== sound) return;
      this.deck.buffers = buffers;
      this.applyMix();
      this.say("");
    }).catch((error) => {
      this.loaded = null;
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
    await this.load().then(() => this.pending && this.start(), () => this.root.classList.remove("waiting"));
  }

  start() {
    this.pending = false;
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
      const span = Math.min(this.data.beat ? bar * 2 : bar, this.data.seconds);
      const start = Math.min(Math.floor(this.deck.position / bar + 1e-6) * bar, this.data.seconds - span);
      this.deck.setLoop({ start: Math.max(0, start), end: Math.max(0, start) + span });
    }
    this.refresh();
  }

  zoom(factor) {
    const now = this.deck.position, { seconds } = this.data;
    const span = Math.min(seconds, Math.max((this.view.to - this.view.from) * factor, Math.min(1, seconds)));
    const from = Math.max(0, Math.min(now - span / 3, seconds - span));
    this.view = { from, to: from + span };
    this.refresh();
  }

  keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onSlider = event.target.type === "range";
    const onButton = event.target.tagName === "BUTTON";
    const number = Number(event.key);
    if (event.key === " " && !onButton) this.toggle();
    else if (event.key === "ArrowLeft" && !onSlider) this.skip(event.shiftKey ? -(this.data.beatsPerBar || 4) : -1);
    else if (event.key === "ArrowRight" && !onSlider) this.skip(event.shiftKey ? this.data.beatsPerBar || 4 : 1);
    else if (event.key === "Home" && !onSlider) this.seek(0);
    else if (event.key === "End" && !onSlider) this.seek(this.data.seconds);
    else if (event.key === "l") this.loopBar();
    else if (event.key === "+") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
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

  mixed() {
    this.applyMix();
    this.refresh();
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const gains = this.gains();
      this.report("mix", Object.fromEntries(this.data.tracks.map((t, i) => [t.name, gains[i]])));
    }, 500);
  }

  tick() {
    if (!this.deck.playing || !this.root.isConnected) return;
    const now = this.deck.position, span = this.view.to - this.view.from;
    if (span < this.data.seconds - 1e-6 && (now > this.view.to || now < this.view.from)) {
      const from = Math.max(0, Math.min(now, this.data.seconds - span));
      this.view = { from, to: from + span };
      this.paint();
    } else this.moving();
    requestAnimationFrame(this.tick);
  }
}

const faces = new WeakMap(); // one Player for each place on the page, kept through reruns

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".bs");
  let player = faces.get(root);
  if (!player) faces.set(root, (player = new Player(root)));
  player.update(data, (name, value) => (name === "mix" ? setStateValue : setTriggerValue)(name, value));
  return () => {
    player.destroy();
    faces.delete(root);
  };
}
