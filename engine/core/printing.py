"""Scores on paper: MusicXML → pages by verovio → a PDF by Typst, A4, its text still text.

verovio and Typst keep state while they work, so one lock serves all who engrave.
"""

from __future__ import annotations

import re
import tempfile
import threading
from pathlib import Path
from typing import Any

from engine import RequestError
from engine.core.musicfont import FAMILY, font_of

LOCK = threading.Lock()
PAGE = 2_100, 2_970  # of A4, in verovio's units, tenths of a millimetre
MARGIN = 150
MAX_PAGES = 100
SIGNS = re.compile(rf'font-family="{FAMILY}"[^>]*>([^<]*)<')  # within words; others are drawn
WORDS = '#set document(date: none)\n#set page(paper: "a4", margin: 0pt)\n'


def toolkit(**options: Any) -> Any:
    """A verovio toolkit that finds its fonts. Called under `LOCK`."""
    import verovio  # here, because few want a score

    verovio.enableLog(verovio.LOG_OFF)
    # Where its fonts are is remembered for each thread, and set only for the one that imported it.
    verovio.setDefaultResourcePath(str(Path(verovio.__file__).with_name("data")))
    kit = verovio.toolkit()
    kit.setOptions({"xmlIdSeed": 1, "svgViewBox": True, "breaks": "auto", **options})
    return kit


def write_pdf(musicxml: bytes) -> bytes:
    """A score as pages of A4 under its title. Same score, same bytes. Refused when it cannot be engraved."""
    with LOCK:
        try:
            pages = _pages(musicxml.decode())
            return _bound(pages)
        except RequestError:
            raise
        except Exception as error:  # both are compiled code, and what they raise is not documented
            words = str(error)[:120] or type(error).__name__
            raise RequestError(f"No PDF can be made of this score: {words}.") from None


def _pages(musicxml: str) -> list[bytes]:
    """The score's pages as SVG."""
    margins = {f"pageMargin{side}": MARGIN for side in ("Left", "Right", "Top", "Bottom")}
    kit = toolkit(pageWidth=PAGE[0], pageHeight=PAGE[1], header="auto", svgFormatRaw=True,
                  footer="none", expandNever=True, **margins)  # fmt: skip
    if not kit.loadData(musicxml):
        raise RequestError("No PDF can be made of this score: verovio does not take its MusicXML.")
    if kit.getPageCount() > MAX_PAGES:
        raise RequestError(f"The score has {kit.getPageCount()} pages; at most {MAX_PAGES} are printed.")
    return [kit.renderToSVG(number).encode() for number in range(1, kit.getPageCount() + 1)]


def _bound(pages: list[bytes]) -> bytes:
    """Pages of SVG as one PDF."""
    import typst

    files = {f"{number}.svg": page for number, page in enumerate(pages)}
    source = WORDS + "\n".join(f'#image("{name}", width: 100%, height: 100%)' for name in files)
    signs = [sign for page in pages for words in SIGNS.findall(page.decode()) for sign in words]
    compiled: Any = typst.compile  # files by name are not among the types that it names
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{FAMILY}.otf").write_bytes(font_of(signs))
        return bytes(compiled({"main.typ": source.encode(), **files}, format="pdf", ignore_system_fonts=True,
                              font_paths=[folder]))  # fmt: skip
