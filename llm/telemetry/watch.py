"""Watch a run, and tell it when it has ended: nothing is sent, encoded or waited for while it goes on.

Without an endpoint this costs a look at the environment. With one, OpenTelemetry is imported beside the run, and
what was seen is sent once the answer is out, within `LIMIT_S`, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from llm.errors import kind_of
from llm.telemetry.settings import Settings, settings_of

if TYPE_CHECKING:
    from llm.domain import Event
    from llm.telemetry.seen import Seen

LIMIT_S = 2.0
"""The most that the end of a run waits for its telemetry, whatever the collector does."""

Hear = Callable[["Event"], None]


@contextmanager
def watching(trace_id: str, env: Mapping[str, str], tell: Callable[[str], None]) -> Iterator[Hear]:
    """What hears the events of the run inside. `tell` is told one line if they could not be exported."""
    settings = settings_of(env)
    if settings is None:
        yield _ignore
        return
    Thread(target=_import, daemon=True, name="telemetry").start()
    events: list[Event] = []
    began_s, failure = time.time(), ""
    try:
        yield events.append
    except BaseException as error:
        failure = kind_of(error)
        raise
    finally:
        from llm.telemetry.seen import Seen

        seen = Seen(trace_id, began_s, time.time(), tuple(events), failure)
        if problem := settings.problem or _delivered(seen, settings):
            tell(f"telemetry was not exported: {problem}")


def _ignore(_: Event) -> None:
    """Nobody is watching."""


def _import() -> None:
    """Bring in the SDK while the sandbox works; what is wrong with it is found out, and said, at the end."""
    from contextlib import suppress

    with suppress(ImportError):
        import llm.telemetry.export  # noqa: F401


def _delivered(seen: Seen, settings: Settings) -> str:
    """Send it; the answer is out, so that whoever interrupts now only ends the waiting."""
    try:
        return _deliver(seen, settings)
    except KeyboardInterrupt:
        return "interrupted"


def _deliver(seen: Seen, settings: Settings) -> str:
    """Send every signal at once; what went wrong, "" where nothing did. A sender that hangs is left behind: its
    thread ends with the process."""
    until = time.monotonic() + LIMIT_S
    answers: dict[str, str] = {}
    given = [(signal, seen, settings, answers) for signal in settings.endpoints]
    senders = [Thread(target=_send, args=each, daemon=True, name=f"send {each[0]}") for each in given]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(max(0.0, until - time.monotonic()))
    late = f"no answer within {LIMIT_S:g} s"
    told = ((place, answers.get(signal, late)) for signal, place in settings.endpoints.items())
    return "; ".join(dict.fromkeys(f"{place}: {why}" for place, why in told if why))


def _send(signal: str, seen: Seen, settings: Settings, answers: dict[str, str]) -> None:
    """Put the signal's answer among the others: "" is sent, anything else says why not."""
    try:
        from llm.telemetry.export import send

        answers[signal] = send(signal, seen, settings, LIMIT_S)
    except ImportError as error:
        answers[signal] = f"{error.name} is not installed: pip install 'torre-llm[telemetry]'"
    except Exception as error:  # noqa: BLE001 - whatever a variable or a library does here, the run is worth more
        answers[signal] = type(error).__name__
