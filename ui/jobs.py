"""Long work: one job at a time in a worker of its own, with a progress bar and a cancel, its result kept.

    def work(progress):                              # runs in the worker: no st.* in here
        model, _ = frame.cached_model("band", folder, band.load)
        song = band.generate(model, seed=seed, progress=progress)
        stems.prepare(song)                         # so that its sound is ready when it is shown
        return song

    if st.button("Make") or jobs.empty("band"):      # empty: nothing made yet, so begin with something to hear
        jobs.start("band", work, settings={"seed": seed}, label="Writing eight bars")
    made = jobs.show("band")                         # draws progress, cancel and failure; the latest result or None
    if made:
        player.show("band", song=made.value)         # made.settings, made.seconds: how it was made and how long it took

A page that answers every move of a slider says `jobs.run_when_changed("band", work, settings=…)` instead of `start`:
it begins whenever the settings are not those asked for last; what was made from them in this session is shown at once.

Results of a key are kept as long as the session is (history.py): where there are several, `show` draws steps back and
forth, and the page's controls go with them. Work that answers with `Several` gives as many results at once:

    jobs.start("band", work, settings=settings, label="Writing bars 5-8 anew", beside=True)    the page's own goes on

Work that has something to show before it ends says `jobs.report_partial(value)` as often as there is more, and the
page asks for `jobs.partial_result("trombone")` after `show`.

`show` draws where it is called; call it once a page run for each key. A failure or a cancel leaves the result before it
in place: a `RequestError` is shown as it is, anything else is logged and said plainly. Starting a key again stops its
job before. `show` reruns the page when a job ends; its polling touches nothing else, so no sound restarts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from engine import Progress
from ui import history
from ui.frame import plain
from ui.worker import NUMBERS, Job, JobResult, Several, report_partial, submit

__all__ = ["Job", "JobResult", "Several", "report_partial"]  # of the worker, for who uses this

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 1.0  # work that ends this soon shows no progress bar
HAND_SECONDS = 2.0  # the same, while a hand drags and would have what it holds moved away by one


def _slots(key: str) -> tuple[str, str, str]:
    return f"_job {key}", f"_made {key}", f"_says {key}"


def _asked(key: str) -> str:
    return f"_asked {key}"


def _tried(key: str) -> str:
    return f"_tried {key}"


def _agreed(key: str) -> str:
    return f"_agreed {key}"


def _stopping(key: str) -> str:
    return f"_stopping {key}"


def _instead(key: str) -> str:
    return f"_instead {key}"


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


def partial_result(key: str) -> Any:
    """What the job that runs has reported as its last `report_partial`; None where there is none. After `show`."""
    job = st.session_state.get(_slots(key)[0])
    return None if job is None or job.stopped else job.partial


def amend(key: str, value: Any, *, over: bool = False) -> None:
    """Show another value, with the settings of the result that is shown: as one that was made from it, or where that
    is to be written `over`, and nothing else was made from it, in its place. For callbacks."""
    past = history.history_of(key)
    if (shown := past.shown) is None:
        return
    if over and all(entry.before != shown.number for entry in past.entries):
        past.entries[past.at] = made = replace(shown, value=value)
    else:
        made = replace(shown, value=value, seconds=0.0, number=next(NUMBERS), before=shown.number)
        past.add([made])
    st.session_state[_slots(key)[1]] = made
    st.session_state.pop(_slots(key)[2], None)  # what was stopped or failed before is no news


def start(
    key: str, work: Callable[[Progress], Any], *, settings: Any = None, label: str = "Working", beside: bool = False,
    hand: str = "",
) -> None:  # fmt: skip
    """Begin `work(progress)` in the worker; a job of the same key that still runs is stopped, or left alone
    when it has the same settings. `beside` what the page asks for by its controls, it is made from what is shown; of
    what is asked for with the name of one `hand`, the last is kept."""
    job_slot, _, says_slot = _slots(key)
    before = st.session_state.get(job_slot)
    if before is not None and not before.ended.is_set():
        if before.settings == settings and settings and not before.stopped:
            return
        before.cancel()
    st.session_state.pop(says_slot, None)
    shown = history.history_of(key).shown if beside else None
    if not beside:
        st.session_state[_asked(key)] = settings
    job = Job(work, settings, label, st.session_state.get(_asked(key)), history.controls_of(key),
              shown.number if shown else None, hand)  # fmt: skip
    st.session_state[job_slot] = job
    submit(job)
    job.ended.wait(HAND_SECONDS if hand else PATIENCE_SECONDS)


def run_when_changed(key: str, work: Callable[[Progress], Any], *, settings: Any, label: str = "Working",
                     hand: str = "") -> None:  # fmt: skip
    """Begin `work` if `settings` are not those of the job that was begun last, whatever became of it; or show what
    they made before. For work that makes the same of the same settings."""
    if _begin_instead(key, settings):
        return
    if st.session_state.pop(_agreed(key), False):
        _agree_now(key, settings)
    if st.session_state.get(_asked(key)) == settings:
        return
    at = history.history_of(key).asked(settings) if settings else None
    if at is None:
        start(key, work, settings=settings, label=label, hand=hand)
    else:
        _show(key, at)


def instead(key: str, work: Callable[[Any, Progress], Any]) -> None:
    """Have `work(settings, progress)` bring what the page asks for next, instead of making it: the controls have just
    been put to where they were when it was made. Before the page draws them."""
    if job := st.session_state.pop(_slots(key)[0], None):
        job.cancel()
    st.session_state[_instead(key)] = work


def _begin_instead(key: str, settings: Any) -> bool:
    work = st.session_state.pop(_instead(key), None)
    if work is not None:
        start(key, lambda progress: work(settings, progress), settings=settings, label="Opening it")
    return work is not None


def agree(key: str) -> None:
    """The controls are about to be moved to what is shown: what they ask for at the next run is it. A job that still
    runs is stopped. For callbacks."""
    if busy(key):
        _cancel(key)
    st.session_state[_agreed(key)] = True


def _agree_now(key: str, settings: Any) -> None:
    past = history.history_of(key)
    if past.shown is not None:
        past.entries[past.at] = made = replace(past.shown, asked=settings, controls=history.controls_of(key))
        st.session_state[_slots(key)[1]] = made
        st.session_state[_asked(key)] = settings


def _collect(key: str) -> None:
    """Move what an ended job left into the session."""
    job_slot, made_slot, says_slot = _slots(key)
    job = st.session_state.get(job_slot)
    if job is None or not job.ended.is_set():
        return
    del st.session_state[job_slot]
    if job.made and not job.stopped:
        history.history_of(key).add(list(job.made), job.mix)
        st.session_state[made_slot] = job.made[0]
        return
    st.session_state[_tried(key)] = job
    if job.failure:
        st.session_state[says_slot] = ("error", job.failure)
    else:
        st.session_state[says_slot] = ("info", f"Stopped: {job.label.lower()}. What you had is still here.")


def refuse(key: str, text: str) -> None:
    """Say why something could not be begun."""
    _collect(key)
    st.session_state.pop(_tried(key), None)
    st.session_state[_slots(key)[2]] = ("error", text)


def dismiss(key: str) -> None:
    """Say no more why the last job failed: it is not what is asked for any longer. Before `show`."""
    _collect(key)
    st.session_state.pop(_agreed(key), None)
    st.session_state.pop(_slots(key)[2], None)


def show(key: str) -> JobResult | None:
    """Draw the job's progress with a cancel, or why it failed; returns the latest good result or None."""
    _begin_instead(key, None)
    _collect(key)
    history.drawn(key)
    job_slot, made_slot, says_slot = _slots(key)
    with st.container():  # whether it holds anything or not, what comes after it stays where it is
        if job := st.session_state.get(job_slot):
            st.session_state[f"_partials {key}"] = job.partials
            # One that waits for others looks seldom, so that many sessions do not slow down the one that works.
            st.fragment(_poll, run_every=POLL_SECONDS if job.started else 4 * POLL_SECONDS)(key)
        elif says_slot in st.session_state:
            severity, text = st.session_state[says_slot]
            if severity == "error":
                st.error(plain(text), icon=":material/error:")
            else:
                st.info(plain(text), icon=":material/stop_circle:")
            if _tried(key) in st.session_state:
                st.button("Try again", key=f"try {key}", icon=":material/refresh:", on_click=_try_again, args=(key,),
                          help="With the settings that were asked for then.")  # fmt: skip
        _steps(key)
    history.remember()
    return st.session_state.get(made_slot)


def _show(key: str, at: int) -> JobResult:
    """Show another of the results of a key; a job that still runs is stopped."""
    job_slot, made_slot, says_slot = _slots(key)
    if job := st.session_state.pop(job_slot, None):
        job.cancel()
    made: JobResult = history.history_of(key).go(at)
    st.session_state[made_slot] = made
    st.session_state[_asked(key)] = made.asked
    st.session_state.pop(says_slot, None)
    return made


def _go(key: str, at: int | None) -> None:
    """Show another of the results of a key, and its controls. For callbacks."""
    if at is not None:
        history.restore(key, _show(key, at).controls)


def _compare(key: str, at: int | None, back: int | None) -> None:
    """Show the result that the one shown was made from, or that again. For callbacks."""
    _go(key, at)
    st.session_state[f"_after {key}"] = back


def _cancel(key: str) -> None:
    """Stop; the controls go back to those of what is shown. For callbacks."""
    if job := st.session_state.get(_slots(key)[0]):
        job.cancel()
        st.session_state[_stopping(key)] = True
    if made := st.session_state.get(_slots(key)[1]):
        st.session_state[_asked(key)] = made.asked
        history.restore_next(key, made.controls)


def _try_again(key: str) -> None:
    """Begin once more what was stopped or failed, its controls too. For callbacks."""
    if job := st.session_state.get(_tried(key)):
        history.restore(key, job.controls)
        start(key, job.work, settings=job.settings, label=job.label, beside=job.before is not None)


def _steps(key: str) -> None:
    """Back and forth through all results of this session, and between one and what it was made from."""
    past = history.history_of(key)
    if len(past.entries) < 2 or past.shown is None:
        return
    after = past.find(st.session_state.get(f"_after {key}"))
    before = past.find(past.shown.before)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"steps-{key}"):
        st.button("Earlier", key=f"earlier {key}", icon=":material/chevron_left:", on_click=_go,
                  args=(key, past.at - 1), disabled=past.at == 0, help="The result before this one.")  # fmt: skip
        st.markdown(f"Version {past.at + 1} of {len(past.entries)}", width="content")
        st.button("Later", key=f"later {key}", icon=":material/chevron_right:", on_click=_go, args=(key, past.at + 1),
                  disabled=past.at + 1 == len(past.entries), help="The result after this one.")  # fmt: skip
        if before is not None:
            st.button("As it was", key=f"before {key}", icon=":material/compare_arrows:", on_click=_compare,
                      args=(key, before, past.shown.number), help="What this was made from; press again for this.",
                      )  # fmt: skip
        elif after is not None and past.entries[after].before == past.shown.number:
            st.button("As it is now", key=f"after {key}", icon=":material/compare_arrows:", on_click=_compare,
                      args=(key, after, None), help="What was made from this.")  # fmt: skip


def before(key: str) -> JobResult | None:
    """The result that the one shown was made from."""
    past = history.history_of(key)
    at = past.find(past.shown.before) if past.shown else None
    return None if at is None else past.entries[at]


def _left(job: Job) -> str:
    """How long a job will take yet, in words."""
    left = job.seconds_left
    if left is None:
        return ""
    return f", {max(1, round(left))} s left" if left < 90 else f", {round(left / 60)} min left"


def _poll(key: str) -> None:
    job = st.session_state.get(_slots(key)[0])
    stopping = st.session_state.pop(_stopping(key), False)
    if job is None or stopping or job.ended.is_set() or job.partials != st.session_state.get(f"_partials {key}"):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{key}"):
        text = f"{job.label}{_left(job)}" if job.started else f"{job.label}: waiting for its turn"
        st.progress(job.fraction, text=plain(f"{text} …"))
        st.button("Cancel", key=f"cancel {key}", icon=":material/stop_circle:", disabled=job.stopped,
                  on_click=_cancel, args=(key,), help="Stop here; what you had stays.")  # fmt: skip
