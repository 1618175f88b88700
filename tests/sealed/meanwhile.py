"""Work in another thread that has to wait for a lock of this one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

_WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks "
    "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}


def until_somebody_waits() -> None:
    """Return when some transaction waits for a lock, on PostgreSQL for one of this connection's."""
    for _ in range(60):
        with connection.cursor() as cursor:
            cursor.execute(_WAITING[connection.vendor])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.15)  # MariaDB looks anew only where nobody asked for a tenth of a second
    raise AssertionError("nobody waits")


class Meanwhile:
    """Somebody else's work, in a thread and so with a connection of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._failed: Exception | None = None

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._failed = error
        finally:
            connection.close()

    def starts(self) -> None:
        """Does not wait for anything."""
        self._thread.start()

    def starts_and_waits(self) -> None:
        """Returns when the other waits for a lock that this connection holds."""
        self.starts()
        until_somebody_waits()

    def ends(self) -> Exception | None:
        """Waits for the end of the work; what it raised."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self._failed
