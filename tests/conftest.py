"""What all tests share: one thread, as the studio plays, a library of takes of their own, and small training data."""

import pytest

from engine import play_on_one_thread

play_on_one_thread()


@pytest.fixture(autouse=True)
def own_library(tmp_path_factory, monkeypatch):
    """No test sees or changes the takes of who runs it."""
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path_factory.mktemp("library")))


@pytest.fixture(scope="session")
def prepared_systems(tmp_path_factory):
    """A folder of small prepared arrays of the systems that train; tests write elsewhere."""
    from tests.tiny_data import prepared_systems  # here, because it brings torch and all of training

    return prepared_systems(tmp_path_factory.mktemp("prepared"))
