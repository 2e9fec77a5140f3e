"""The one worker that makes music beside the pages, what is given to it, and what comes back. No Streamlit in it.

    job = Job(work, settings, "Writing eight bars")      work(progress) -> value, or Several
    submit(job)                                          job.ended is set then, and job.made, job.failure or job.stopped
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from engine import Cancelled, Progress, RequestError
from ui.mixing import Channels

log = logging.getLogger("bandstand.jobs")


@dataclass(frozen=True)
class JobResult:
    """A result: what was made, from which settings, in how many seconds, and a number that no other result has."""

    value: Any
    settings: Any
    seconds: float
    number: int
    asked: Any = None  # what the page asked for by itself then
    controls: Mapping[str, Any] = field(default_factory=dict)  # of the page, when it was asked for
    before: int | None = None  # the number of the result that it was made from, where that was one of the page
    hand: str = ""  # a name of the drag that it was asked for in


@dataclass(frozen=True)
class Several:
    """More results than one, each with its settings; or what was there already."""

    results: Sequence[tuple[Any, Any]]
    mix: Channels | None = None  # how they are heard; as the one before unless it is given
    seconds: float | None = None  # that it took to make one; as long as the job unless it is given


@dataclass
class Job:
    work: Callable[[Progress], Any]
    settings: Any
    label: str
    asked: Any = None
    controls: Mapping[str, Any] = field(default_factory=dict)
    before: int | None = None
    hand: str = ""
    done: int = 0
    total: int = 0
    made: Sequence[JobResult] | None = None
    mix: Channels | None = None
    partial: Any = None  # what can be shown before it ends
    partials: int = 0  # how often there was more of that
    failure: str = ""
    stopped: bool = False
    started: float = 0.0  # time.perf_counter(); 0 while it waits
    ended: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Stop at the next progress, or before it begins."""
        self.stopped = True

    @property
    def fraction(self) -> float:
        """How far it is, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take yet by how far it is; None where that cannot be said."""
        if not self.started or self.fraction < 0.1:
            return None
        return (time.perf_counter() - self.started) * (1 - self.fraction) / self.fraction

    def _progress(self, done: int, total: int) -> None:
        if self.stopped:
            raise Cancelled
        self.done, self.total = done, total

    def run(self) -> None:
        """Do the work; in the worker."""
        self.started = time.perf_counter()
        _AT_WORK.set(self)
        try:
            if not self.stopped:
                value = self.work(self._progress)
                made = value if isinstance(value, Several) else Several([(value, self.settings)])
                took = time.perf_counter() - self.started if made.seconds is None else made.seconds
                self.mix = made.mix
                self.made = [JobResult(value, settings, took, next(NUMBERS), self.asked, self.controls, self.before,
                                       self.hand)
                             for value, settings in made.results]  # fmt: skip
        except Cancelled:
            self.stopped = True
        except RequestError as refused:
            self.failure = str(refused)
        except BaseException as error:  # the worker must outlive whatever a job does
            log.exception("A job failed: %s", self.label)
            self.failure = (
                "Something went wrong inside the studio, so nothing new was made; what you had is still here. "
                f"The terminal that runs Bandstand has the details ({type(error).__name__})."
            )
        finally:
            self.ended.set()


NUMBERS = itertools.count(1)
_AT_WORK: ContextVar[Job] = ContextVar("the job that this thread does")
_WAITING: queue.Queue[Job] = queue.Queue()
_STARTING = threading.Lock()
_worker: threading.Thread | None = None


def _serve() -> None:
    while True:
        _WAITING.get().run()


def submit(job: Job) -> None:
    """Hand a job to the one worker: a daemon, so that closing the studio never waits for music."""
    global _worker
    with _STARTING:
        if _worker is None or not _worker.is_alive():
            _worker = threading.Thread(target=_serve, name="bandstand-worker", daemon=True)
            _worker.start()
    _WAITING.put(job)


def report_partial(value: Any) -> None:
    """What can be shown already of what is being made. For work."""
    job = _AT_WORK.get()
    job.partial, job.partials = value, job.partials + 1
