"""Random operations of all kinds; then the projections are made anew, and must be the same.

``python -m tests.soak.random_operations --operations 100000`` runs hypothesis' state machines one
after another on one database, which must be migrated and empty, so that in the end all operations
have acted on it. Now and then, and in the end, every row of every projection is compared with what
``rebuild`` makes of the log, and the log is verified. ``--fresh`` undoes each machine's operations
instead, so that hypothesis can shrink what fails.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, ClassVar

import django
import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import transaction  # noqa: E402 - Django has to be ready

from django_jazzauth.keys.keyring import keyring  # noqa: E402
from django_jazzauth.store import store  # noqa: E402

from .world import World  # noqa: E402

MAKE = (
    "create_patient",
    "create_many",
    "create_or_change",
    "update_or_create",
    "create_user",
    "create_others",
)
CHANGE = (
    "save",
    "save_stale",
    "save_field",
    "update",
    "bulk_update",
    "change_user",
    "change_others",
)
MEMBERS = ("tag", "tag_many", "join", "follow")
SESSIONS = ("sign_in", "visit", "sign_out", "verification")
END = (
    "delete_patient",
    "delete_many",
    "delete_user",
    "delete_ward",
    "restore_patient",
    "restore_user",
    "shred",
    "thin_out",
)
UPKEEP = ("rotate", "rewrap", "retire", "compact", "checkpoint", "rebuild")
UNDONE = tuple(kind for kind in (*MAKE, *CHANGE, *MEMBERS, *END) if kind != "save_stale")

NUMBERS = st.integers(0, 2**16)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)


class Machine(RuleBasedStateMachine):
    """Operations on a world; what it comes to is judged when the machine ends."""

    kept: ClassVar[World | None] = None
    since: ClassVar[int] = 0
    every: ClassVar[int] = 0
    rows: ClassVar[dict[str, int]] = {}
    total: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.block: Any = None
        if Machine.kept is None:
            keyring("default").forget()
            self.block = transaction.atomic()
            self.block.__enter__()
            # As a TestCase does it: checkpoints want to be durable.
            transaction.get_connection().atomic_blocks[-1]._from_testcase = True
            self.world = World()
        else:
            self.world = Machine.kept

    def operate(self, kind: str, number: int, text: str) -> None:
        Machine.total += 1
        Machine.since += 1
        self.world.do(kind, number, text)

    @rule(kind=st.sampled_from(MAKE), number=NUMBERS, text=TEXTS)
    def make(self, kind: str, number: int, text: str) -> None:
        self.operate(kind, number, text)

    @rule(kind=st.sampled_from(MAKE), number=NUMBERS, text=TEXTS)
    def make_more(self, kind: str, number: int, text: str) -> None:
        self.operate(kind, number, text)

    @rule(kind=st.sampled_from(CHANGE), number=NUMBERS, text=TEXTS)
    def change(self, kind: str, number: int, text: str) -> None:
        self.operate(kind, number, text)

    @rule(kind=st.sampled_from(CHANGE), number=NUMBERS, text=TEXTS)
    def change_more(self, kind: str, number: int, text: str) -> None:
        self.operate(kind, number, text)

    @rule(kind=st.sampled_from(MEMBERS), number=NUMBERS)
    def members(self, kind: str, number: int) -> None:
        self.operate(kind, number, "")

    @rule(kind=st.sampled_from(SESSIONS), number=NUMBERS, text=TEXTS)
    def sessions(self, kind: str, number: int, text: str) -> None:
        self.operate(kind, number, text)

    @rule(kind=st.sampled_from(END), number=NUMBERS)
    def end(self, kind: str, number: int) -> None:
        # Otherwise little would be left of what is made.
        self.operate(kind if number % 3 == 0 else "thin_out", number // 3, "")

    @rule(kind=st.sampled_from(UNDONE), number=NUMBERS, text=TEXTS)
    def undone(self, kind: str, number: int, text: str) -> None:
        Machine.total += 1
        Machine.since += 1
        self.world.undo(kind, number, text)

    @rule(kind=st.sampled_from(UPKEEP), number=NUMBERS)
    def upkeep(self, kind: str, number: int) -> None:
        # Most of these look at every row.
        self.operate(kind if number % 8 == 0 else "checkpoint", number, "")

    def teardown(self) -> None:
        """Judge, and undo everything where nothing is kept."""
        try:
            if sys.exc_info()[0] is None and Machine.since >= Machine.every:
                Machine.since = 0
                Machine.rows = self.world.check()
                if self.block is not None:
                    assert store.verify().problems == []
        finally:
            if self.block is not None:
                transaction.set_rollback(True)
                self.block.__exit__(None, None, None)
                keyring("default").forget()


def run(operations: int, seed: int, every: int, fresh: bool, minutes: float = 0) -> dict[str, Any]:
    """Do random operations.

    Args:
        operations: at least so many.
        seed: of what is drawn.
        every: compare after so many (``fresh``: after each machine).
        fresh: undo each machine's operations.
        minutes: stop after so many, with what was done by then; 0: do all of them.

    Returns:
        What was done, rows of each table in the end, and what ``verify`` says.
    """
    began, cpu = time.monotonic(), time.process_time()
    counts: dict[str, int] = {}
    world = None if fresh else World()
    Machine.kept, Machine.every = world, 0 if fresh else every
    given = settings(
        max_examples=5,
        stateful_step_count=60 if fresh else 120,
        phases=[Phase.generate, Phase.shrink] if fresh else [Phase.generate],
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    while Machine.total < operations:
        run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=given)
        seed += 1
        print(f"{Machine.total} operations", file=sys.stderr, flush=True)
        if minutes and time.monotonic() - began > minutes * 60:
            break
    problems: list[str] = []
    events = 0
    if world is not None:
        report = store.verify()
        events, problems = report.events, [str(problem) for problem in report.problems]
        Machine.rows = world.check()
        problems += [str(problem) for problem in store.verify().problems]
        counts = dict(sorted(world.counts.items()))
    return {
        "operations": Machine.total,
        "kinds": counts,
        "restores_refused": 0 if world is None else world.refused,
        "events": events,
        "rows_rebuilt_identically": Machine.rows,
        "problems": problems[:5],
        "seconds": round(time.monotonic() - began),
        "cpu_seconds": round(time.process_time() - cpu),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=5000, help="compare after so many operations")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so many")
    parser.add_argument("--fresh", action="store_true", help="undo, so that failures are shrunk")
    options = parser.parse_args()
    outcome = run(options.operations, options.seed, options.every, options.fresh, options.minutes)
    print(json.dumps(outcome, indent=2))
    sys.exit(1 if outcome["problems"] else 0)
