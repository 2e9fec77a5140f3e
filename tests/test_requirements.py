"""What is imported is required, by the file of requirements that belongs to it, and nothing else is."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OWN = {"engine", "ui", "pages", "training", "tests", "benchmarks"}
TOOLS = {"ruff", "mypy", "pytest-xdist"}  # run, not imported
PACKAGED_AS = {
    "PIL": "pillow",
    "fluidsynth": "pyfluidsynth",
    "parselmouth": "praat-parselmouth",
    "sklearn": "scikit-learn",
}
USERS = {  # of each file of requirements, which includes those before it
    "requirements.txt": ("app.py", "engine", "ui", "pages"),
    "requirements-training.txt": ("training",),
    "requirements-dev.txt": ("tests", "benchmarks"),
}


def normal(name: str) -> str:
    """A distribution's name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(file: str) -> set[str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines if re.match(r"\w", line)}


def imported(place: str) -> set[str]:
    """The distributions whose modules the files of a room import, inside functions too."""
    names = set()
    path = ROOT / place
    for file in [path] if path.is_file() else path.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    return {normal(PACKAGED_AS.get(name, name)) for name in names - OWN - set(sys.stdlib_module_names)}


@pytest.mark.parametrize("file", USERS)
def test_what_is_imported_is_required_and_the_other_way_round(file):
    files = list(USERS)
    before = files[: files.index(file)]
    wanted = set().union(*map(imported, USERS[file])) - set().union(*map(required, before))
    assert required(file) - TOOLS == wanted
