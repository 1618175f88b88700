"""Writers in threads, each with a connection of its own, that hold their transactions open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from types import TracebackType
from typing import Any, Self

from django.db import connections, transaction

_PATIENCE = 30


class Writer:
    """A thread inside a transaction that does what it is told, until it is told to commit.

    Any wait for a lock of somebody else ends with an error after two seconds.

    Args:
        alias: database alias.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._told: Queue[Callable[[], Any] | None] = Queue()
        self._answers: Queue[Any] = Queue()
        self._thread = threading.Thread(target=self._run)
        self.pid = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.pid = self._answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self._told.put(None)
            self._thread.join(_PATIENCE)

    def do(self, work: Callable[[], Any]) -> Any:
        """Have something done within the transaction; its result."""
        self._told.put(work)
        return self._answer()

    def commit(self) -> None:
        """End the transaction and the thread."""
        self._told.put(None)
        self._answer()
        self._thread.join(_PATIENCE)

    def _answer(self) -> Any:
        answer = self._answers.get(timeout=_PATIENCE)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _run(self) -> None:
        connection = connections[self._alias]
        try:
            with transaction.atomic(using=self._alias):
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                    cursor.execute("SELECT pg_backend_pid()")
                    self._answers.put(cursor.fetchone()[0])
                while (work := self._told.get(timeout=_PATIENCE)) is not None:
                    self._answers.put(work())
            self._answers.put(None)
        except BaseException as error:
            self._answers.put(error)
        finally:
            connection.close()


def in_threads(alias: str, work: Callable[[int], None], count: int) -> list[BaseException]:
    """Run work in so many threads at once; what they raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(_PATIENCE)
            work(number)
        except BaseException as error:
            raised.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
