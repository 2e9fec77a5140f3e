"""Jam's socket: bars come ahead of what sounds, changes act after it, and only pages of this server are answered."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from engine import jam
from engine.core.midi import write_midi
from engine.core.request import File
from ui.jam import assets, doors, routes, socket
from ui.jam.session import AHEAD, Session, said

HOST = "127.0.0.1:8501"
OWN = {"host": HOST, "origin": f"http://{HOST}"}
START = {"start": {"genre": {"rock": 1.0}, "seed": 3, "tempo": 200}}


@pytest.fixture
def client(model, monkeypatch):
    monkeypatch.setattr(socket.jams, "load", lambda: model)
    monkeypatch.setattr(assets, "_served", False)
    with TestClient(Starlette(routes=routes())) as client:
        yield client


def bars(tab, count):
    """The next bars that come, other words left out."""
    out = []
    while len(out) < count:
        message = tab.receive_json()
        assert "refused" not in message, message
        out += [message] if "tracks" in message else []
    return out


def test_bars_come_ahead_of_what_sounds_and_are_those_of_the_engine(client, model):
    known = list(jam.jam(model, jam.Request(genre={"rock": 1.0}, seed=3, tempo=200, bars=5)))
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_json(START)
        came = bars(tab, AHEAD)
        for number in (1, 2):
            tab.send_json({"sounds": number})
            came += bars(tab, 1)
    assert [bar["bar"] for bar in came] == [1, 2, 3, 4, 5]
    for bar, engine_bar in zip(came, known):
        assert bar["tracks"] == said(engine_bar)["tracks"] and bar["tempo"] == 200


def begun(tab):
    """The bars that have come of a jam whose first bar sounds, by number."""
    tab.send_json(START)
    came = bars(tab, AHEAD)
    tab.send_json({"sounds": 1})
    return {bar["bar"]: bar for bar in (*came, *bars(tab, 1))}


def test_a_change_throws_away_what_was_written_after_its_bar_line_and_can_be_written_down(client, model):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        came = begun(tab)
        tab.send_json({"change": {"chords": "Dm7 | G7", "tempo": 100}, "bar": 1})
        assert tab.receive_json() == {"changed": {"chords": "Dm7 | G7", "tempo": 100}, "from": 2}
        came |= {bar["bar"]: bar for bar in bars(tab, AHEAD)}
    assert [came[n]["chords"] for n in (2, 3)] == [["Dm7", "Dm7"], ["G7", "G7"]]
    written = File("changes.jsonl", b'{"bar": 2, "chords": "Dm7 | G7", "tempo": 100}')
    request = jam.Request(genre={"rock": 1.0}, seed=3, tempo=200, bars=3, changes=written)
    pitches = [[n.pitch for t in bar.tracks for n in t.notes] for bar in jam.jam(model, request)]
    assert pitches == [[note[2] for t in came[n]["tracks"] for note in t["notes"]] for n in (1, 2, 3)]


def test_a_jam_that_is_told_to_ends_says_which_bar_is_the_last(client):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_json(START)
        bars(tab, AHEAD)
        tab.send_json({"change": {"end": True}, "bar": AHEAD + 1})
        last = []
        for number in range(1, 10 - AHEAD):
            tab.send_json({"sounds": number})
            last += bars(tab, 1)
        assert [bar["last"] for bar in last] == [False] * (8 - AHEAD) + [True] and last[-1]["bar"] == 9


def test_four_tabs_at_once_and_one_that_closes_stops_no_other(client):
    with client.websocket_connect("/jam", headers=OWN) as first:
        for _ in range(3):
            with client.websocket_connect("/jam", headers=OWN) as tab:
                tab.send_json(START)
                bars(tab, 2)
        first.send_json(START)
        assert [bar["bar"] for bar in bars(first, 2)] == [1, 2]


def test_a_tab_that_closes_while_it_is_answered_ends_its_jam_without_a_traceback():
    class Closed:
        headers = OWN

        async def accept(self):
            pass

        async def receive(self):
            return {"type": "websocket.receive", "text": "[]"}

        async def send_json(self, message):
            raise RuntimeError('Cannot call "send" once a close message has been sent.')

    asyncio.run(socket.jam(Closed()))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": "http://evil.example"},
        {"host": HOST, "origin": "http://127.0.0.1:9999"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"host": "127.0.0.1.evil.example:8501", "origin": "http://127.0.0.1.evil.example:8501"},
        {"host": HOST, "origin": f"http://{HOST}.evil.example"},
        {"host": HOST, "origin": "http://["},
    ],
)
def test_pages_of_others_are_refused(client, headers):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/jam", headers={**headers}):
        pass
    answer = client.get("/jam-assets/soundfont.sf2", headers=headers)
    assert answer.status_code == (200 if headers == {"host": HOST} else 403)


@pytest.mark.parametrize("own", ["127.0.0.1:8501", "localhost:80", "[::1]:8501"])
def test_this_machine_s_own_names_are_answered(own):
    assert doors.is_own({"host": own, "origin": f"http://{own}"})


@pytest.mark.parametrize("big", ['{"sounds": "' + "x" * 2**20 + '"}', "é" * (2**19 + 1)])
def test_a_message_of_more_than_a_megabyte_closes_the_socket_and_the_server_goes_on(client, big):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_text(big)
        with pytest.raises(WebSocketDisconnect) as end:
            tab.receive_json()
        assert end.value.code == socket.TOO_BIG
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_json(START)
        assert bars(tab, 1)


def test_too_many_messages_close_the_socket(client):
    with client.websocket_connect("/jam", headers=OWN) as tab, pytest.raises(WebSocketDisconnect) as end:
        for _ in range(socket.BURST + 100):
            tab.send_text("{}")
        while True:
            tab.receive_json()
    assert end.value.code == socket.TOO_MANY


def test_messages_are_let_through_at_their_rate():
    rate = doors.Rate(2, 10)
    assert [rate.allows(t) for t in (5.0, 5.0, 5.0, 5.25, 5.25, 5.25)] == [True, True, False, True, False, False]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("[" * 100_000, "JSON object"),
        ("[]", "JSON object"),
        (json.dumps({"sounds": 1}), "has not begun"),
        (json.dumps({"start": 3}), "JSON object"),
        (json.dumps({"start": {"genre": {"polka": 1}}}), "'polka' is not a genre"),
        (json.dumps({"start": {"genre": {"rock": 1}, "changes": "x"}}), "not part of the take"),
    ],
)
def test_a_message_that_is_none_is_one_sentence_and_the_socket_stays(client, message, says):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_text(message)
        refusal = tab.receive_json()["refused"]
        assert says in refusal and "\n" not in refusal
        tab.send_json(START)
        bars(tab, AHEAD)
        for wrong in ({"change": {"chords": "H9"}}, {"change": {"tempo": 1}}, {"sounds": -1}, {"sounds": True}):
            tab.send_json(wrong)
            assert tab.receive_json()["refused"]
        tab.send_json({"sounds": 1})
        assert bars(tab, 1)[0]["bar"] == AHEAD + 1


def test_a_server_that_was_started_without_the_routes_knows_it(client, monkeypatch):
    assert assets.served()
    monkeypatch.setattr(assets, "_served", False)
    assert not assets.served()


def test_a_chord_held_while_a_bar_sounds_writes_its_second_half_again(client):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        came = begun(tab)
        for asked, acts in ((1.5, 1.5), (1, 1.5), (3, 3)):
            tab.send_json({"change": {"held": "Dm7" if acts == 1.5 else "G7"}, "bar": asked})
            assert tab.receive_json()["from"] == acts
            held = {bar["bar"]: bar for bar in bars(tab, AHEAD + 2 - int(acts))}
            came |= held
        tab.send_json({"change": {"key": "E"}, "bar": 3.5})
        assert tab.receive_json()["from"] == 4
    assert came[1]["chords"][1] == "Dm7" and came[2]["chords"] == ["Dm7", "Dm7"]
    assert came[3]["chords"] == ["G7", "G7"]


def test_a_tempo_acts_in_the_bar_that_sounds_and_is_no_reason_to_write_its_notes_again(client, model):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        came = begun(tab)
        tab.send_json({"change": {"genre": "jazz"}, "bar": 3})
        assert tab.receive_json()["from"] == 3
        bars(tab, AHEAD - 1)
        tab.send_json({"change": {"tempo": 90}, "bar": 1.375})
        assert tab.receive_json() == {"changed": {"tempo": 90}, "from": 1.375}
        now = {bar["bar"]: bar for bar in bars(tab, AHEAD + 1)}
        tab.send_json({"sounds": 2})
        bars(tab, 1)
        tab.send_json({"change": {"tempo": 100}, "bar": 1.9})
        assert 2 < tab.receive_json()["from"] < 2.01, "its own bar is over"
    assert now[1] == came[1] | {"turns": [[1.5, 90]]}
    assert [now[n]["tempo"] for n in (2, 3, 4)] == [90] * 3 and not any(now[n]["turns"] for n in (2, 3, 4))
    written = File("changes.jsonl", b'{"bar": 1.375, "tempo": 90}\n{"bar": 3, "genre": "jazz"}')
    request = jam.Request(genre={"rock": 1.0}, seed=3, tempo=200, bars=4, changes=written)
    assert [said(bar)["tracks"] for bar in jam.jam(model, request)] == [now[n]["tracks"] for n in (1, 2, 3, 4)]


def test_an_answer_waits_for_what_it_answers_and_is_what_the_take_makes_again(client, model):
    played = {bar: [[beat / 2, 0.25, 72 + (bar + beat) % 7, 90, 73] for beat in range(5)] for bar in range(5, 9)}
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_json(START)
        bars(tab, AHEAD)
        tab.send_json({"change": {"trade": True}, "bar": 1})
        came: dict[int, dict] = {}
        for number in range(1, 11):
            tab.send_json({"sounds": number})
            tab.send_json({"own": played.get(number - 1, []), "bar": number - 1} if number > 1 else {"sounds": 1})
            while max(came, default=0) < number + AHEAD:
                message = tab.receive_json()
                assert "refused" not in message, message
                came |= {message["bar"]: message} if "tracks" in message else {}
        tab.send_json({"own": [], "bar": 3})
        assert "just been played" in tab.receive_json()["refused"]
    turns = ["band", "band", "you", "you", "answer", "answer", "band"]
    assert [came[n]["turn"] for n in (1, 4, 5, 8, 9, 12, 13)] == turns
    notes = [[4 * (bar - 1) + note[0], *note[1:]] for bar in played for note in played[bar]]
    request = jam.Request(
        genre={"rock": 1.0}, seed=3, tempo=200, bars=12, changes=File("c.jsonl", b'{"bar": 1, "trade": true}'),
        own=File("own.mid", write_midi(jam.own_part(notes))),
    )  # fmt: skip
    for bar in jam.jam(model, request):
        assert came[bar.number]["tracks"] == said(bar)["tracks"], bar.number
    assert all(came[n]["tracks"][-1]["name"] == "answer" for n in range(9, 13))


def test_the_band_follows_who_plays_and_goes_back_when_nobody_does(model):
    session = Session(model, jam.Request(genre={"rock": 1.0}, seed=3, tempo=200))
    assert session.follow(True) == []
    changes = []
    for number, strikes in ((2, 16), (3, 16), (4, 0), (5, 0)):
        while session.write():
            pass
        session.sounds(number)
        changes.append(session.hear(number - 1, [[beat / 4, 0.25, 72, 120, 0] for beat in range(strikes)]))
    loud, usual = {"density": 0.6, "loudness": 1.3}, {"density": 0.5, "loudness": 1.0}
    assert changes == [[(loud, 3)], [({"density": 1.0}, 4)], [({"density": 0.6}, 5)], [(usual, 6)]]
    session.change({"loudness": 0.8}, 6)
    session.sounds(6)
    assert session.hear(5, [[0, 1, 72, 120, 0]])
    assert session.follow(False) == [({"density": 0.5, "loudness": 0.8}, 7)]


WRONG = (3, [0, 1, 72, 90], [0, 1, 72, 90, "0"], [0, 0, 72, 90, 0], [0, 1, 128, 90, 0], [0, 1, 72, 0, 0],
         [0, 1, 72.5, 90, 0], [-5, 1, 72, 90, 0], [0, 1, True, 90, 0], [10**400, 1, 72, 90, 0])  # fmt: skip


@pytest.mark.parametrize("note", WRONG)
def test_notes_that_are_none_are_refused(client, note):
    with client.websocket_connect("/jam", headers=OWN) as tab:
        tab.send_json(START)
        bars(tab, AHEAD)
        tab.send_json({"own": [note], "bar": 0})
        assert "five numbers" in tab.receive_json()["refused"]
