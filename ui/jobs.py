"""Long work: one job at a time in a worker of its own, with a progress bar and a cancel, its result kept.

    def work(progress):                              # runs in the worker: no st.* in here
        model, _ = frame.cached_model("band", folder, band.load)
        song = band.generate(model, seed=seed, progress=progress)
        player.prepare(song)                         # so that its sound is ready when it is shown
        return song

    if st.button("Make") or jobs.empty("band"):      # empty: nothing made yet, so begin with something to hear
        jobs.start("band", work, settings={"seed": seed}, label="Writing eight bars")
    made = jobs.show("band")                         # draws progress, cancel and failure; the latest result or None
    if made:
        player.show("band", song=made.value)         # made.settings, made.seconds: how it was made and how long it took

A page that answers every move of a slider says `jobs.run_when_changed("band", work, settings=…)` instead of `start`:
it begins whenever the settings are not those asked for last.

`show` draws where it is called; call it once a page run for each key. A failure or a cancel leaves the result before it
in place: a `RequestError` is shown as it is, anything else is logged and said plainly. Starting a key again stops its
job before. `show` reruns the page when a job ends; its polling touches nothing else, so no sound restarts.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from engine import Cancelled, Progress, RequestError
from ui.frame import plain

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 0.6  # work that ends this soon shows no progress bar

log = logging.getLogger("bandstand.jobs")


@dataclass(frozen=True)
class JobResult:
    """A result: what was made, from which settings, in how many seconds, and a number that no other result has."""

    value: Any
    settings: Any
    seconds: float
    number: int


@dataclass
class Job:
    work: Callable[[Progress], Any]
    settings: Any
    label: str
    done: int = 0
    total: int = 0
    made: JobResult | None = None
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

    def _progress(self, done: int, total: int) -> None:
        if self.stopped:
            raise Cancelled
        self.done, self.total = done, total

    def _run(self) -> None:
        self.started = time.perf_counter()
        try:
            if not self.stopped:
                value = self.work(self._progress)
                self.made = JobResult(value, self.settings, time.perf_counter() - self.started, next(_NUMBERS))
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


_NUMBERS = itertools.count(1)
_WAITING: queue.Queue[Job] = queue.Queue()
_STARTING = threading.Lock()
_worker: threading.Thread | None = None


def _serve() -> None:
    while True:
        _WAITING.get()._run()


def _submit(job: Job) -> None:
    """Hand a job to the one worker: a daemon, so that closing the studio never waits for music."""
    global _worker
    with _STARTING:
        if _worker is None or not _worker.is_alive():
            _worker = threading.Thread(target=_serve, name="bandstand-worker", daemon=True)
            _worker.start()
    _WAITING.put(job)


def _slots(key: str) -> tuple[str, str, str]:
    return f"_job {key}", f"_made {key}", f"_says {key}"


def _asked(key: str) -> str:
    return f"_asked {key}"


def empty(key: str) -> bool:
    """Whether nothing was made, tried or begun under this key in this session."""
    return not any(slot in st.session_state for slot in _slots(key))


def busy(key: str) -> bool:
    """Whether a job of this key waits or runs."""
    job = st.session_state.get(_slots(key)[0])
    return job is not None and not job.ended.is_set()


def result(key: str) -> JobResult | None:
    """The latest good result, without drawing anything."""
    _collect(key)
    return st.session_state.get(_slots(key)[1])


def keep(key: str, value: Any, settings: Any = None) -> None:
    """Put a result in place that did not come from a job."""
    st.session_state[_slots(key)[1]] = JobResult(value, settings, 0.0, next(_NUMBERS))


def start(key: str, work: Callable[[Progress], Any], *, settings: Any = None, label: str = "Working") -> None:
    """Begin `work(progress)` in the worker; a job of the same key that still runs is stopped, or left alone
    when it has the same settings."""
    job_slot, _, says_slot = _slots(key)
    before = st.session_state.get(job_slot)
    if before is not None and not before.ended.is_set():
        if before.settings == settings and settings and not before.stopped:
            return
        before.cancel()
    st.session_state.pop(says_slot, None)
    job = Job(work, settings, label)
    st.session_state[job_slot] = job
    st.session_state[_asked(key)] = job.settings
    _submit(job)
    job.ended.wait(PATIENCE_SECONDS)


def run_when_changed(key: str, work: Callable[[Progress], Any], *, settings: Any, label: str = "Working") -> None:
    """Begin `work` if `settings` are not those of the job that was begun last, whatever became of it."""
    if st.session_state.get(_asked(key)) != settings:
        start(key, work, settings=settings, label=label)


def _collect(key: str) -> None:
    """Move what an ended job left into the session."""
    job_slot, made_slot, says_slot = _slots(key)
    job = st.session_state.get(job_slot)
    if job is None or not job.ended.is_set():
        return
    del st.session_state[job_slot]
    if job.made is not None and not job.stopped:
        st.session_state[made_slot] = job.made
    elif job.failure:
        st.session_state[says_slot] = ("error", job.failure)
    else:
        st.session_state[says_slot] = ("info", f"Stopped: {job.label.lower()}. What you had is still here.")


def dismiss(key: str) -> None:
    """Say no more why the last job failed: it is not what is asked for any longer. Before `show`."""
    _collect(key)
    st.session_state.pop(_slots(key)[2], None)


def show(key: str) -> JobResult | None:
    """Draw the job's progress with a cancel, or why it failed; returns the latest good result or None."""
    _collect(key)
    job_slot, made_slot, says_slot = _slots(key)
    if job := st.session_state.get(job_slot):
        # One that waits for others looks seldom, so that many sessions do not slow down the one that works.
        st.fragment(_poll, run_every=POLL_SECONDS if job.started else 4 * POLL_SECONDS)(key)
    elif says_slot in st.session_state:
        severity, text = st.session_state[says_slot]
        if severity == "error":
            st.error(plain(text), icon=":material/error:")
        else:
            st.info(plain(text), icon=":material/stop_circle:")
    return st.session_state.get(made_slot)


def _poll(key: str) -> None:
    job = st.session_state.get(_slots(key)[0])
    if job is None or job.ended.is_set():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{key}"):
        text = job.label if job.started else f"{job.label}: waiting for its turn"
        st.progress(job.fraction, text=plain(f"{text} …"))
        if st.button("Cancel", key=f"cancel {key}", icon=":material/stop_circle:", disabled=job.stopped,
                     help="Stop here; what you had stays."):  # fmt: skip
            job.cancel()
