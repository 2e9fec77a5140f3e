"""Who may talk to the server: a tab that was sent here, and no page of a name that only leads here."""

import re
import socket
from http.client import HTTPConnection

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.sessions import Session
from tests.studio import served

pytestmark = pytest.mark.browser

OWN, FOREIGN = ("127.0.0.1", "localhost"), ("rebound.example", "127.0.0.1.rebound.example", "localhost.")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with served(tmp_path_factory.mktemp("hosts")) as address:
        yield int(address.rpartition(":")[2])


def answer(port: int, host: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    """What the server says to who came by this name."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"})
    response = connection.getresponse()
    return response.status, response.read()


def media(port: int) -> str:
    """The address of a sound of the home page."""
    with Session(f"http://127.0.0.1:{port}", "") as session:
        return session.until(re.compile(rb"/sounds/\w+/0").search)[0].decode()


def stream(port: int, host: str) -> None:
    """Open the page's socket by this name."""
    here = socket.create_connection(("127.0.0.1", port))
    name = f"{host}:{port}"
    connect(f"ws://{name}/_stcore/stream", sock=here, origin=f"http://{name}", subprotocols=["streamlit"]).close()


def test_a_foreign_name_is_refused_everywhere(port):
    upload = "/_stcore/upload_file/session/file"
    for path, method in (("/", "GET"), ("/band", "GET"), (media(port), "GET"), (upload, "PUT"), (upload, "DELETE")):
        for host in FOREIGN:
            assert answer(port, host, path, method) == (400, b"Invalid host header"), (host, method, path)
    for host in FOREIGN:
        with pytest.raises(InvalidStatus):
            stream(port, host)


def test_this_machine_s_own_names_are_served(port):
    sound = media(port)
    for host in OWN:
        assert b"<html" in answer(port, host, "/")[1] and b"<html" in answer(port, host, "/band")[1]
        status, content = answer(port, host, sound)
        assert status == 200 and content.startswith(b"RIFF")
        assert answer(port, host, "/_stcore/upload_file/session/file", "PUT")[1] != b"Invalid host header"
        stream(port, host)
