"""The controlling end of the worker processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from .sides import ROOT, command, environment

Progress = Callable[[str, int, int], None]


class WorkerFailed(RuntimeError):
    """A worker process ended before it answered; what it wrote to stderr says why."""


class WorkerProcess:
    """One side on one database. A context manager, so that the process ends in any case.

    Args:
        side: ``stock`` or ``ours``.
        engine: ``sqlite`` or ``postgresql``.
        name: file or name of the database.
        secret: text of the worker secret.
    """

    def __init__(self, side: str, engine: str, name: str, secret: str) -> None:
        self.side = side
        self._process = subprocess.Popen(
            command("worker"),
            cwd=ROOT,
            env=environment(side, engine, name, secret),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, progress: Progress | None = None, **arguments: Any) -> Any:
        """Send a request and wait for its answer.

        Args:
            do: name of a method of :class:`benchmarks.worker.Worker`.
            progress: told what is being made, how many there are and how many there will be.
            arguments: the method's.

        Raises:
            WorkerFailed: the process ended instead.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise WorkerFailed("the worker has no pipes")
        try:
            self._process.stdin.write(json.dumps({"do": do, "with": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed(f"the worker of {self.side} ended before {do}") from None
        for line in self._process.stdout:
            message = json.loads(line)
            if "progress" not in message:
                return message["answer"]
            if progress is not None:
                progress(*message["progress"])
        raise WorkerFailed(f"the worker of {self.side} ended during {do}")

    def close(self) -> None:
        """End the process and wait for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.terminate()
        self.close()
