"""Downloads that are dragged: the server has their files for pages of its own, and a browser is told where they lie."""

from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine import RequestError
from engine.core.midi import read_midi
from tests.studio import PATIENCE_SECONDS, chromium, served, wait_for
from ui import drag

HOST = "http://127.0.0.1:8501"


@pytest.fixture
def client(monkeypatch):
    """A server with one row of two files, one of which cannot be made."""
    def refuse():
        raise RequestError("Every track is muted.")

    offers = (drag.Offer("tune é.mid", "audio/midi", lambda: b"MThd"), drag.Offer("x.wav", "audio/wav", refuse))
    monkeypatch.setattr(drag, "_rows", drag.OrderedDict(row={each.name: each for each in offers}))
    return TestClient(Starlette(routes=[drag.route()]), base_url=HOST)


def test_a_dragged_file_is_made_when_it_is_let_go(client):
    answer = client.get("/files/row/tune%20%C3%A9.mid")
    assert (answer.status_code, answer.content) == (200, b"MThd")
    assert unquote(answer.headers["content-disposition"]).endswith("tune é.mid")
    refused = client.get("/files/row/x.wav")
    assert (refused.status_code, refused.text) == (409, "Every track is muted.")


@pytest.mark.parametrize("path", ["/files/row/other.mid", "/files/none/tune.mid", "/files/row", "/files/"])
def test_what_was_not_offered_is_not_there(client, path):
    assert client.get(path).status_code == 404


def test_pages_of_others_get_nothing(client):
    assert client.get("/files/row/x.wav", headers={"Origin": "http://elsewhere.example"}).status_code == 403
    assert client.get("/files/row/x.wav", headers={"Host": "elsewhere.example"}).status_code == 403


@pytest.mark.browser
def test_a_download_is_dragged_out_of_the_browser(tmp_path):
    with served(tmp_path) as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}/melody", wait_until="commit")
        page.get_by_role("button", name="Download").click(timeout=120_000)
        button = page.locator(".st-key-downloads-melody").get_by_role("button", name="MIDI", exact=True)
        button.hover()
        wait_for(lambda: button.evaluate("element => element.draggable"), PATIENCE_SECONDS, "it cannot be dragged")
        said = button.evaluate("""element => {
            const carried = new DataTransfer();
            element.dispatchEvent(new DragEvent("dragstart", {bubbles: true, dataTransfer: carried}));
            return carried.getData("DownloadURL");
        }""")
        mime, name, address = said.split(":", 2)
        assert (mime, name.endswith(".mid")) == ("audio/midi", True)
        assert read_midi(page.context.request.get(address).body()).notes > 8
