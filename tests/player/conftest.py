"""The player that the tests of this folder ask."""

import pytest

from tests.tiny_player import tiny_player


@pytest.fixture(scope="module")
def model():
    return tiny_player()
