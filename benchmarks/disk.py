"""Size on disk: what a user takes, and what a sign-in adds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .databases import Shelf
from .processes import WorkerProcess
from .sides import SIDES

LOGINS = 1000
"""Sign-ins that the average is taken over; the database has as many users."""

# What stays after the session ended: the log and the keys. The rest goes with the session's row.
_LASTING = {"jazzauth_event", "jazzauth_data_key"}

# Bytes per user below which a table did not grow with the users: a page more here or there.
_NOISE = 16


@dataclass(frozen=True)
class Disk:
    """Bytes on disk of one side on one engine, indexes included.

    Attributes:
        side, engine: whose.
        per_user: of a user, created in bulk.
        per_user_tables: of that, by table.
        per_session: of a session written once, user's row aside.
        per_login: that a sign-in through ``login()`` adds (last login, session written twice).
        per_login_lasting: of that, what stays in the log after the session was ended.
    """

    side: str
    engine: str
    per_user: float
    per_user_tables: dict[str, float]
    per_session: float
    per_login: float
    per_login_lasting: float

    def as_json(self) -> dict[str, Any]:
        """As plain values, whole bytes."""
        found = asdict(self)
        for name, value in found.items():
            if isinstance(value, float):
                found[name] = round(value)
        found["per_user_tables"] = {
            name: round(value) for name, value in self.per_user_tables.items()
        }
        return found


def measure_disk(shelf: Shelf, engine: str, users: int) -> list[Disk]:
    """Both sides' sizes.

    Args:
        shelf: where the databases are kept.
        engine: ``sqlite`` or ``postgresql``.
        users: size of the database that the size of a user is read from.
    """
    found = []
    for side in SIDES:
        name = shelf.copy(side, engine, LOGINS)
        with WorkerProcess(side, engine, name, shelf.secret) as worker:
            worker.ask("open", users=LOGINS)
            grown = worker.ask("logins", count=LOGINS)
        shelf.drop(side, engine)
        login = _growth(grown["before"], grown["after"], LOGINS)
        sizes = shelf.sizes(side, engine, users)
        user = _growth(sizes["empty"], sizes["users"], users)
        user = {table: size for table, size in user.items() if size >= _NOISE}
        session = _growth(sizes["users"], sizes["sessions"], users)
        found.append(
            Disk(
                side,
                engine,
                sum(user.values()),
                user,
                sum(session.values()),
                sum(login.values()),
                sum(size for table, size in login.items() if table in _LASTING),
            )
        )
    return found


def _growth(before: dict[str, int], after: dict[str, int], count: int) -> dict[str, float]:
    return {table: (size - before.get(table, 0)) / count for table, size in after.items()}
