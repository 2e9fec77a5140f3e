// New music out of sight, as on a phone, whose controls lie below it: a line that says so and plays it where one is.

class Ready {
  constructor(player) {
    this.player = player;
    this.play = button("play", "Play what is ready", "play", () => player.toggle());
    this.words = make("span", "title");
    this.line = make("div", "surface ready", { role: "status" });
    this.seen = new IntersectionObserver((all) => (all.at(-1).isIntersecting ? this.leave() : this.come()));
  }

  tell() {
    // There is other music: until the player's own button is seen.
    studio.ready?.leave(); // one line a page
    studio.ready = this;
    this.look();
  }

  look() {
    this.seen.disconnect();
    this.seen.observe((this.looked = this.player.playButton));
  }

  come() {
    this.words.textContent = `Ready: ${this.player.data.title || "music"}`;
    this.line.replaceChildren(this.play, this.words);
    this.player.root.after(this.line);
    this.refresh();
  }

  leave() {
    this.looked = null;
    this.seen.disconnect();
    this.line.remove();
  }

  refresh() {
    if (this.looked && this.looked !== this.player.playButton) this.look(); // it was built anew
    const { playing } = this.player.deck;
    this.play.replaceChildren(icon(playing ? "pause" : "play"));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play what is ready");
  }
}
