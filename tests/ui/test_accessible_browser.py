"""Every page as axe-core sees it, in light and in dark, on a desk, a tablet and a phone; what a phone's first screen
has; and a page by the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from engine.core.midi import write_midi
from engine.core.reading import SONG_MIB
from engine.takes.library import Library
from tests.studio import PATIENCE_SECONDS, ROOT, Visit, chromium, kept_as, served, tune, wait_for
from ui import frame

pytestmark = pytest.mark.browser

WIDTHS = (1440, 820, 390)
STREAMLITS = ("stFileUploaderDropzone",)  # what axe finds in these is not ours
TOUCHED = ("[data-testid=stPageLink] a, .bs:not(.compact) :is(.transport button, .ruler, .fader), "
           "[data-testid^=stBaseButton]")  # fmt: skip
CUT = "all => all.filter((one) => one.textContent && one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
OVER = """all => { const boxes = all.map((one) => one.getBoundingClientRect()).filter((box) => box.width);
    return boxes.filter((a) => boxes.some((b) => b !== a && b.top === a.top && a.left <= b.left &&
        b.left < a.right - 1)).length }"""
OPEN = """all => all.filter((one) => ["Left", "Right"].some((side) =>
    getComputedStyle(one)[`border${side}Color`] === "rgba(0, 0, 0, 0)")).map((one) => one.textContent)"""
NEW, TOPS = "[class*=st-key-new-] button", "all => all.map((one) => one.getBoundingClientRect().top)"
HIGHER = """desk => desk.getBoundingClientRect().top - Math.min(...[...desk.closest("[data-testid=stColumn]")
    .previousElementSibling.querySelectorAll(":scope > * > *")].map((one) => one.getBoundingClientRect())
    .filter((box) => box.height > 0).map((box) => box.top))"""
INK = {"light": "rgb(43, 33, 27)", "dark": "rgb(243, 233, 218)"}
SETTLED = """ink => !document.querySelector("[data-stale=true], [data-testid=stSkeleton]") &&
    [...document.querySelectorAll(
        "[data-heading-text], [data-testid=stMarkdownContainer] strong, [kind=secondary] p"
    )].every((one) => getComputedStyle(one).color === ink)"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, str]]:
    home = tmp_path_factory.mktemp("studio")
    Library(home / "takes").keep(kept_as(3, song=tune(3)), name="A lark")
    with served(home, ROOT / "serve.py") as address, chromium() as browser:
        yield browser, address


def violations(visit: Visit) -> list[tuple[str, str, str]]:
    """(rule, element, what is wrong) of all that axe-core minds on the page as it stands."""
    found = Axe().run(visit.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], node["html"][:200], node.get("failureSummary", "")) for rule in found for node in rule["nodes"]
            if not any(name in node["html"] for name in STREAMLITS)]  # fmt: skip


@pytest.mark.parametrize("page", [frame.HOME, *frame.pages()], ids=lambda page: page.title)
def test_a_page_can_be_read_and_touched_in_light_and_dark_at_every_width(studio: tuple[Browser, str], page: frame.Page):
    path = "" if page is frame.HOME else Path(page.path).stem
    with Visit(*studio).open(path, ".bs .play" if page.makes and page.title != "Jam" else "h1") as visit:
        visit.page.emulate_media(reduced_motion="reduce")
        wait_for(lambda: visit.page.locator(".st-key-menu a[aria-current]").count() == 1, PATIENCE_SECONDS, "no place")
        visit.page.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 844})
            for scheme in ("light", "dark"):
                visit.page.emulate_media(color_scheme=scheme)
                visit.page.wait_for_function(SETTLED, arg=INK[scheme])
                visit.page.wait_for_timeout(300)  # plots are drawn anew in the other colours
                visit.page.wait_for_function(SETTLED, arg=INK[scheme])
                assert violations(visit) == [], (width, scheme)
            assert len(set(visit.page.locator(NEW).evaluate_all(TOPS)) - {0}) <= 1, f"the seed stands apart at {width}"
            assert visit.page.locator(f"{NEW} p").evaluate_all(CUT) == [], f"a button is cut at {width}"
            assert visit.page.locator(".bs .chord").evaluate_all(CUT) == [], f"a name is cut at {width}"
            assert visit.page.locator(".bs .chord").evaluate_all(OVER) == 0, f"chords lie over each other at {width}"
            visit.fits()
            if width > 640 and (desk := visit.page.locator(".st-key-desk")).count():
                assert abs(desk.evaluate(HIGHER)) < 1, f"desk and music begin at two heights at {width}"
        ends = visit.page.locator(".st-key-menu a").evaluate_all("links => links.map(a => a.getBoundingClientRect())")
        assert len(ends) == len(frame.pages()) + 1 and max(end["right"] for end in ends) <= 390, "the menu is cut off"
        rows = sorted({end["top"] for end in ends})
        assert all(below - above >= 40 for above, below in pairwise(rows)), "links of the menu lie on each other"
        tall = "all => all.map(one => [one.ariaLabel ?? one.textContent, one.getBoundingClientRect().height])"
        sizes = visit.page.locator(TOUCHED).evaluate_all(tall)
        assert not [name for name, height in sizes if 0 < height < 40], "too low for a finger"
        if page.makes:
            ends = visit.page.locator(":is(.bs, .jam) .play").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect().bottom)"
            )
            assert min(ends) < 844, "play is below the first screen"


def test_what_can_be_brought_is_said_to_its_end_and_taken_by_a_finger(studio: tuple[Browser, str]) -> None:
    said = "[data-testid=stFileUploaderDropzoneInstructions]"
    with Visit(*studio).open("band?open=band_tune,band_file", said) as visit:
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 844})
            wait_for(lambda: not visit.page.locator(f"{said} *").evaluate_all(CUT), PATIENCE_SECONDS, f"cut at {width}")
        box = visit.page.locator("[data-testid=stAudioInput]").get_by_role("button", name="Record").bounding_box()
        assert box and min(box["width"], box["height"]) >= 40, "too small for a finger"
        near = """one => { one.scrollIntoView({ block: "center" }); const at = one.getBoundingClientRect();
            return one.contains(document.elementFromPoint(at.right + 10, at.bottom + 10)); }"""
        assert visit.page.get_by_label("Help for Style").evaluate(near), "a finger beside it misses the help"


@pytest.mark.parametrize(
    "page, made, before",
    [("variation", "variation", "variation-original"), ("translation", "translation-after", "translation-before")],
)
def test_a_phone_shows_what_was_made_before_what_it_was_made_from(studio, page: str, made: str, before: str) -> None:
    with Visit(*studio, phone=True).open(page, f".bs[data-player={made}] .play") as visit:
        wait_for(lambda: {made, before} <= set(visit.players()), PATIENCE_SECONDS, "no players")
        tops = "all => all.map(one => window.__bandstand.players.get(one).root.getBoundingClientRect().top)"
        for screen in ({"width": 390, "height": 844}, {"width": 1280, "height": 900}):
            visit.page.set_viewport_size(screen)

            def in_order(phone: bool = screen["width"] == 390) -> bool:
                first, second = visit.page.evaluate(tops, [made, before])
                return (first < second) == phone

            wait_for(in_order, PATIENCE_SECONDS, f"the other order at {screen['width']}")


def test_a_row_of_choices_is_closed_at_both_ends(studio) -> None:
    with Visit(*studio).open("variation", "[data-variant=segmented_control]") as visit:
        visit.page.set_viewport_size({"width": 820, "height": 844})
        choices = visit.page.locator("[data-variant=segmented_control]")
        assert len(set(choices.evaluate_all(TOPS))) > 1, "there is a row that ends before the last of them"
        for name in ("Nine small ones", "What comes next"):  # at the end of a row, and at the beginning of the next
            choices.filter(has_text=name).click()
            visit.page.locator("[data-selected=true]", has_text=name).wait_for()
            assert choices.evaluate_all(OPEN) == []


def test_a_file_that_is_too_large_is_refused_in_a_sentence_that_can_be_read(studio, tmp_path: Path) -> None:
    within, beyond = tmp_path / "within.mid", tmp_path / "beyond.mid"
    for path, size in ((within, SONG_MIB * 10**6), (beyond, SONG_MIB * 10**6 + 1)):  # as the browser counts megabytes
        path.write_bytes(write_midi(tune(3)).ljust(size, b"\0"))
    with Visit(*studio, phone=True).open("band?open=band_tune,band_file", "[data-testid=stFileUploader]") as visit:
        wait_for(visit.players, PATIENCE_SECONDS, "no player")
        chosen = visit.page.locator("[data-testid=stFileUploader]").first
        chosen.locator("input[type=file]").set_input_files(within)
        visit.page.get_by_text("Your tune", exact=True).wait_for()
        chosen.locator("input[type=file]").set_input_files(beyond)
        said = chosen.get_by_role("alert")
        said.wait_for()
        assert said.inner_text() == f"Error: File must be {SONG_MIB}.0MB or smaller."
        box = said.bounding_box()
        assert box and box["height"] > 12 and box["width"] > 100, "the sentence cannot be seen"
        visit.page.get_by_text("Your tune", exact=True).wait_for()
        visit.fits()


def test_a_phone_says_beside_a_control_what_becomes_of_it(studio: tuple[Browser, str]) -> None:
    """The music is above, out of sight: that it is made, ready or refused stands over what is under the thumb."""
    with Visit(*studio, phone=True).open("band", ".bs .play") as visit:
        wait_for(visit.players, PATIENCE_SECONDS, "no player")
        over = visit.page.locator(".st-key-new-band_seed").bounding_box()
        assert over

        def seen(css: str) -> None:
            visit.page.locator(css).wait_for()
            box = visit.page.locator(css).bounding_box()
            assert box and 0 < box["y"] and box["y"] + box["height"] <= over["y"], f"{css} is out of sight"

        line = visit.page.locator(".st-key-band_chords input")
        line.fill("C | F")
        line.press("Enter")
        seen(".ready")
        assert not visit.player("band")["playing"]
        visit.page.locator(".ready button").click()
        visit.heard("band")
        assert violations(visit) == []
        line.fill("C | Hm7")
        line.press("Enter")
        seen("[data-testid=stAlert]")
        last, alert = visit.page.locator(".st-key-desk"), visit.page.locator("[data-testid=stAlert]").bounding_box()
        visit.page.locator("[data-testid=stMain]").evaluate("page => page.scrollTo(0, page.scrollHeight)")
        box = last.bounding_box()
        assert alert and alert["height"] < 85, "what is refused takes a tenth of the screen"
        assert box and box["y"] + box["height"] <= alert["y"], "what is refused lies over the last control"
        line.fill("")
        line.press("Enter")
        visit.page.locator("[data-testid=stAlert]").wait_for(state="detached")
        visit.page.get_by_role("slider", name="Length").press("End")
        seen(".st-key-job-band")
        visit.page.get_by_role("button", name="Cancel").click()
        visit.page.locator(".bs .play").first.scroll_into_view_if_needed()
        visit.page.locator(".ready").wait_for(state="detached")


def test_a_tune_is_written_and_played_by_the_keyboard_alone(studio: tuple[Browser, str]) -> None:
    """Tab leads to the menu, to New and to play, and what has the focus can be seen."""
    with Visit(*studio).open("melody?melody_bars=8&melody_count=1", ".bs .play") as visit:
        wait_for(visit.players, PATIENCE_SECONDS, "no player")
        sound = visit.player("melody")["sound"]
        walk(visit, ("Band", "Play", "Write something new"))
        visit.page.keyboard.press("Enter")
        wait_for(lambda: visit.player("melody").get("sound") not in (None, sound), PATIENCE_SECONDS, "nothing new")


def focused(visit: Visit) -> tuple[str, bool]:
    """The name of what has the focus, and whether an outline or a shadow shows it."""
    name, shown = visit.page.evaluate("""() => {
        let one = document.activeElement;
        while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
        const style = getComputedStyle(one), words = one.querySelector("[data-testid=stMarkdownContainer]") ?? one;
        return [one.getAttribute("aria-label") ?? words.textContent,
                style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none"];
    }""")
    return name, shown


def walk(visit: Visit, names: tuple[str, ...], steps: int = 60) -> None:
    """Tab until each of these has had the focus, in their order, and it was seen there."""
    seen: list[str] = []
    for _ in range(steps):
        visit.page.keyboard.press("Tab")
        name, _ = focused(visit)
        if name == names[len(seen)]:  # the page may just be drawing itself anew, with its style
            wait_for(lambda now=(name, True): focused(visit) == now, PATIENCE_SECONDS, f"no focus is seen on {name}")
            seen.append(name)
            if len(seen) == len(names):
                return
    raise AssertionError(f"after {steps} tabs only {seen} were reached")
