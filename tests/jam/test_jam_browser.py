"""The Jam page in a real browser, with a keyboard that is none: it plays, follows, and what it played can be kept."""

from itertools import pairwise

import pytest

from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, served, wait_for
from ui import jam

pytestmark = pytest.mark.browser

KEYBOARD = """
    const input = {name: "Test keyboard", type: "input", state: "connected", onmidimessage: null};
    window.testKeyboard = input;
    window.sent = [];
    const output = {id: "2", name: "Test module", send: (bytes, at) => window.sent.push([[...bytes], at])};
    const access = {inputs: new Map([["1", input]]), outputs: new Map([["2", output]]), onstatechange: null};
    window.testAccess = access;
    navigator.requestMIDIAccess = async () => access;
    window.strike = (...bytes) => input.onmidimessage({data: new Uint8Array(bytes)});
"""
PRESS = """
    const jam = window.__bandstandJam, post = jam.worker.postMessage.bind(jam.worker);
    jam.worker.postMessage = (message, ...rest) => {
        const now = jam.now();
        if (message.change?.held === "Dm7")
            window.asked = {from: message.bar, at: now.number + now.share, seconds: now.seconds};
        post(message, ...rest);
    };
    [50, 53, 57, 48].forEach(pitch => strike(0x90, pitch, 100));
"""
BARS = "[...window.__bandstandJam.bars.values()]"
NO_MIDI = (("undefined", "This browser has no Web MIDI"),
           ("async () => { throw new Error() }", "does not let the page hear MIDI keyboards"))  # fmt: skip
TURN = "window.__bandstandJam.marks.find(({beat}) => beat)"
ANSWERED = """() => {
    const jam = window.__bandstandJam, {tracks} = jam.bars.get(jam.now().number);
    return !!tracks.find(({name}) => name === "answer")?.notes.length;
}"""
STRUCK, LET_GO = (f"window.__bandstandJam.own.notes.{each}" for each in (
    "some(note => note.pitch === 60 && note.duration)", "every(note => note.duration)"))  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("jam")


@pytest.fixture(scope="module")
def studio(home):
    assert jam.built(), "the jam's test needs its synthesiser: make jam"
    with served(home, ROOT / "serve.py") as address:
        yield address
    assert "Traceback" not in (home / "server.log").read_text()


def now(visit):
    """The bar that sounds, 0 before the first."""
    return int(visit.page.locator(".jam").get_attribute("data-bar"))


def reaches(visit, bar):
    wait_for(lambda: now(visit) >= bar, PATIENCE_SECONDS, f"bar {bar} does not come")


def test_a_jam_plays_follows_style_and_chords_and_its_last_bars_are_kept(studio, home):
    flags = ("--autoplay-policy=no-user-gesture-required",)
    with chromium(*flags) as browser, Visit(browser, studio) as visit:
        visit.page.add_init_script(KEYBOARD)
        visit.open("jam?jam_own_tempo=true&jam_tempo=160", ready=".jam .play")
        page = visit.page
        page.locator(".jam .play").click()
        reaches(visit, 2)
        page.locator(".st-key-jam_genre input").fill("Jazz")
        page.locator(".st-key-jam_genre input").press("Enter")
        wait_for(lambda: page.evaluate("window.__bandstandJam.changes.some(each => each.genre?.jazz)"),
                 PATIENCE_SECONDS, "the style does not change")  # fmt: skip
        page.get_by_role("slider", name="Tempo").press("ArrowRight")
        wait_for(lambda: page.evaluate(TURN), PATIENCE_SECONDS, "the tempo waits for a bar line")
        turn, tempo = page.evaluate(TURN), page.evaluate("window.__bandstandJam.changes.find(each => each.tempo)")
        assert tempo["bar"] == pytest.approx(turn["number"] + turn["beat"] / turn["beats"], abs=0.02)
        assert turn["seconds"] == pytest.approx(turn["beats"] * 60 / 161)
        page.get_by_text("· 161 bpm").wait_for()
        for access, says in NO_MIDI:
            page.evaluate(f"window.offered ??= navigator.requestMIDIAccess; navigator.requestMIDIAccess = {access}; 0")
            page.locator(".jam [data-part=midi]").click()
            page.get_by_text(says).wait_for()
        page.locator(".jam").press("q")
        wait_for(lambda: page.evaluate(STRUCK), PATIENCE_SECONDS, "the computer's keys do not play")
        page.evaluate("navigator.requestMIDIAccess = window.offered; 0")
        page.locator(".jam [data-part=midi]").click()
        page.get_by_text("Test keyboard").wait_for()
        page.get_by_label("MIDI output").select_option("Test module")
        page.evaluate(PRESS)
        page.get_by_text("Held: Dm7").wait_for()
        wait_for(lambda: page.evaluate("window.__bandstandJam.changes.some(each => each.held === 'Dm7')"),
                 PATIENCE_SECONDS, "the chord is not followed")  # fmt: skip
        begins = page.evaluate("window.__bandstandJam.changes.find(each => each.held === 'Dm7').bar")
        asked = page.evaluate("window.asked")
        away = (asked["from"] - asked["at"]) * asked["seconds"]
        assert 0.14 <= away < 0.15 + asked["seconds"] / 2 + 0.01, "not the next half bar"
        assert asked["from"] * 2 % 1 == 0 and begins >= asked["from"]
        first = int(begins)
        reaches(visit, first + 3)
        held = [bar for bar in page.evaluate(BARS) if begins <= bar["bar"] <= first + 3]
        assert len(held) >= 3 and all(bar["chords"] == ["Dm7", "Dm7"] for bar in held)
        assert begins == first or next(bar for bar in page.evaluate(BARS) if bar["bar"] == first)["chords"][1] == "Dm7"
        tracks = [track for bar in held for track in bar["tracks"] if not track["drum"]]
        pitches = [note[2] % 12 for track in tracks for note in track["notes"]]
        assert sum(pitch in (2, 5, 9, 0) for pitch in pitches) > 0.5 * len(pitches) > 0
        page.get_by_role("button", name="Trade fours").click()
        page.get_by_role("button", name="Follow me").click()
        for beat in range(12):
            page.evaluate(f"strike(0x90, {72 + beat % 5}, 100)")
            page.wait_for_timeout(180)
            page.evaluate(f"strike(0x80, {72 + beat % 5}, 0)")
            if beat == 1:
                page.get_by_text("your turn").wait_for()
        page.evaluate("strike(0x90, 72, 100)")
        page.evaluate("testAccess.onstatechange({port: {...testKeyboard, state: 'disconnected'}})")
        assert page.evaluate("window.__bandstandJam.keys.size") == 0, "a note hangs"
        wait_for(lambda: page.evaluate(LET_GO), PATIENCE_SECONDS, "it sounds on")
        page.get_by_text("the answer").wait_for()
        wait_for(lambda: page.evaluate(ANSWERED), PATIENCE_SECONDS, "what was played is not answered")
        follows = "window.__bandstandJam.changes.some(each => each.density && each.loudness)"
        assert page.evaluate(follows), "the band does not follow"
        marks = page.evaluate("window.__bandstandJam.marks")
        for mark, then in pairwise(marks):
            beats = (then["beat"] or mark["beats"]) - mark["beat"]
            ends = mark["at"] + beats / mark["beats"] * mark["seconds"]
            assert then["at"] == pytest.approx(ends, abs=1e-3), "the music fell silent"
        page.get_by_role("button", name="Keep the last 16 bars").click()
        page.get_by_role("heading", name="Kept").wait_for()
        assert page.locator(".jam").get_attribute("data-state") == "plays", "a rerun stopped the music"
        visit.fits()
        page.get_by_role("button", name="Last time round").click()
        ended = "window.__bandstandJam.state === 'ended'"
        wait_for(lambda: page.evaluate(ended), PATIENCE_SECONDS, "it does not end")
        last = page.evaluate(BARS)[-1]
        assert last["last"] and page.evaluate("window.__bandstandJam.marks.at(-1).number") == last["bar"]
        sent = page.evaluate("window.sent")
        strikes, ticks = ([at for data, at in sent if data[0] & 0xF0 == status] for status in (0x90, 0xF0))
        assert len(strikes) > 30 and len(ticks) > 24 * 8 and sent[-1][0] == [0xBF, 123, 0]
        assert [data for data, _ in sent if data[0] in (0xFA, 0xFC)] == [[0xFA], [0xFC]]
        page.locator(".jam .play").click()
        reaches(visit, 1)
        page.locator(".jam .play").click()
        wait_for(lambda: page.evaluate(ended), PATIENCE_SECONDS, "it does not stop")
    [take] = Library(home / "takes").takes()
    song = Library(home / "takes").song(take)
    assert song.notes > 50 and 8 <= song.bars <= 16
    lanes = {track.name: len(track.notes) for track in song.tracks}
    assert lanes["lead"] >= 12 and lanes["answer"] > 0


def unended(sent):
    """Notes (channel, pitch) that a MIDI output still plays once all that was sent has come to its time."""
    notes = [(at or 0, data) for data, at in sent if data[0] & 0xF0 in (0x80, 0x90)]
    sounds = {(data[0] & 0x0F, data[1]): data[0] & 0xF0 == 0x90 for _, data in sorted(notes, key=lambda note: note[0])}
    return [note for note, on in sounds.items() if on]


def test_presses_in_a_strange_order_begin_no_second_jam_and_leave_nothing_behind(studio):
    with chromium("--autoplay-policy=no-user-gesture-required") as browser, Visit(browser, studio) as visit:
        visit.page.add_init_script(KEYBOARD)
        visit.open("jam?jam_own_tempo=true&jam_tempo=240", ready=".jam .play")
        page, jam_ = visit.page, "window.__bandstandJam"
        play, last, click = (page.get_by_role("button", name=name, exact=True)
                             for name in ("Play", "Last time round", "Metronome"))  # fmt: skip
        page.locator(".jam").press("q")
        wait_for(lambda: page.evaluate(f"!!{jam_}.node"), PATIENCE_SECONDS, "keys are silent without the band")
        page.evaluate("[48, 52, 55].forEach(pitch => window.__bandstandJam.touch(pitch, 90, true))")
        page.wait_for_timeout(200)
        assert page.evaluate(f"{jam_}.chord") == "", "a chord is held that nobody follows"
        for other in ("Shift", None):
            page.locator(".jam").click(position={"x": 5, "y": 5})
            page.keyboard.down("2")
            page.keyboard.down(other) if other else page.locator(".st-key-jam_chords input").click()
            page.keyboard.up("2")
            page.keyboard.up("Shift")
            assert not page.evaluate(f"{jam_}.keys.has(61)"), "a key hangs that went up elsewhere"

        click.click()
        page.locator("[data-part=midi]").click()
        page.get_by_label("MIDI output").select_option("Test module")
        play.click()
        reaches(visit, 2)
        page.get_by_role("button", name="Other notes").click()
        page.get_by_text("Other notes come when the jam begins again.").wait_for()
        page.get_by_role("link", name="Takes").first.click()
        page.get_by_role("heading", name="Takes", exact=True).wait_for()
        page.get_by_role("link", name="Jam").first.click()
        page.locator(".jam [data-part=click][aria-pressed=true]").wait_for()
        for bar, pressed in ((1, "true"), (1, "false"), (7, "true")):
            reaches(visit, bar)
            last.click()
            page.locator(f".jam [data-part=last][aria-pressed={pressed}]").wait_for()
        wait_for(lambda: page.evaluate(f"{jam_}.state === 'ended'"), PATIENCE_SECONDS, "it does not end")
        beyond = f"[...{jam_}.bars.keys()].filter(number => number > {jam_}.marks.at(-1).number)"
        assert page.evaluate(beyond) == [], "bars are seen that will not be heard"
        play.click()
        reaches(visit, 3)
        page.locator(".jam .play").click()
        assert not unended(page.evaluate("window.sent")), "a note hangs on the MIDI output"

        page.reload()
        fetched = []
        page.route("**/soundfont.sf2", lambda route: fetched.append(route))
        play.click()
        wait_for(lambda: page.wait_for_timeout(50) or fetched, PATIENCE_SECONDS, "no soundfont is asked for")
        page.locator(".jam .play").click()
        fetched[0].continue_()
        wait_for(lambda: page.evaluate(f"!!{jam_}.node"), PATIENCE_SECONDS, "the synthesiser does not come")
        page.wait_for_timeout(2000)
        assert page.evaluate(f"[{jam_}.state, {jam_}.bars.size]") == ["ended", 0], "what was stopped plays"


def test_without_its_server_the_page_says_what_to_start():
    from tests.studio import app, refusals

    test = app("pages/jam.py").run()
    assert not refusals(test)
    assert "make run" in test.info[0].value
