"""Where the time of a call goes, by looking at its stack now and then.

A tracing profiler makes functions look dearer than they are, the more so the shorter they are. A
timer of the process's own CPU time does not.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

_INTERVAL = 0.001

Stack = tuple[tuple[str, str], ...]

PARTS = (
    ("rate limit", "allow_request", "api/throttling"),
    ("SQL", "fetch_one", "drivers"),
    ("SQL", "execute_all", "drivers"),
    ("SQL", "execute", "drivers"),
    ("commit", "commit", "backends/base"),
    ("token encrypted for the look-up", "params", "read_plan"),
    ("rows checked, instances made", "load_row", "sealed/load"),
    ("data key made or found", "data_key", "keys/keyring"),
    ("event sealed", "append", "store/journal"),
    ("session found, otherwise", "resolve", "session_state"),
    ("session ended, otherwise", "close_session", "session_state"),
    ("columns and bookkeeping of a write", "save_base", "sealed/model"),
    ("user looked for, otherwise", "with_email", "models/user_manager"),
    ("password hashed", "check_password", "auth/hashers"),
    ("password hashed", "make_password", "auth/hashers"),
    ("session opened, otherwise", "open_session", "session_state"),
    ("transaction", "__enter__", "db/transaction"),
    ("transaction", "__exit__", "db/transaction"),
    ("JWT signed", "sign", "tokens/signing"),
    ("JSON and dates of the answer", "payload", "session_state"),
    ("JSON and dates of the answer", "render", "template/response"),
    ("answer's object and headers", "__init__", "django/http/response"),
    ("endpoint and DRF", "dispatch", "api/endpoint"),
    ("Django: URLs", "resolve_request", "core/handlers"),
    ("Django: signals and connections", "send", "dispatch/dispatcher"),
)
"""Part, function, end of its module's path: the first that is in a stack gets the sample."""
_REST = "Django: request and handler"


def sample(call: Callable[[], Any]) -> Counter[Stack]:
    """The stacks that were seen while ``call`` ran, each with how often."""
    seen: Counter[Stack] = Counter()

    def look(number: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_code.co_name))
            frame = frame.f_back
        seen[tuple(stack)] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return seen


def shares(seen: Counter[Stack]) -> dict[str, float]:
    """Each part's share of the samples, 0 to 1, in the order of :data:`PARTS`."""
    found = dict.fromkeys([part for part, _, _ in PARTS] + [_REST], 0)
    for stack, count in seen.items():
        found[_part(stack)] += count
    total = max(1, sum(found.values()))
    return {part: count / total for part, count in found.items()}


def _part(stack: Stack) -> str:
    for part, function, module in PARTS:
        if any(name == function and module in file for file, name in stack):
            return part
    return _REST
