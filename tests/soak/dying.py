"""Processes that are killed with SIGKILL, at a step or at a moment.

Most of such a run would be waiting for Python and Django. So one process has them ready and forks
those that die: ``Nursery`` starts it, ``serve`` is what it does. A *step* is a statement, a COMMIT
included, or on PostgreSQL a message to the server and its answer. The process dies right before it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import django


def setup() -> None:
    """Have Django ready."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


class Steps:
    """Counts this process's steps, and ends it before one of them.

    Args:
        last: the step that it does not do any more; 0: it lives.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0
        self.on = False

    def step(self, *args: Any) -> None:
        """One more."""
        if self.on:
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """See the steps of the default connection, without changing the way that they take."""
        from django.db import connection

        connection.ensure_connection()
        raw: Any = connection.connection
        if connection.vendor == "sqlite":
            raw.set_trace_callback(self.step)
        elif connection.vendor == "postgresql":
            wait = raw.wait

            def watched(*args: Any, **kwargs: Any) -> Any:
                self.step()
                answer = wait(*args, **kwargs)
                self.step()
                return answer

            raw.wait = watched
        self.on = True


def serve(module: str, act: Callable[[str], None]) -> None:
    """Fork a process for each line of standard input, and say when it ended.

    Args:
        module: for messages.
        act: what the process does; it gets the line.
    """
    setup()
    print("ready", flush=True)
    for line in sys.stdin:
        last, seconds, order = line.rstrip("\n").split(" ", 2)
        pid = os.fork()
        if pid == 0:
            _live(module, act, int(last), order)
        if float(seconds):
            time.sleep(float(seconds))
            os.kill(pid, signal.SIGKILL)  # it is not waited for yet, so the number is still its own
        os.waitpid(pid, 0)
        print("ended", flush=True)


def _live(module: str, act: Callable[[str], None], last: int, order: str) -> None:
    steps = Steps(last)
    code = 1
    try:
        steps.watch()
        act(order)
        print(f"done {steps.count}", flush=True)
        code = 0
    except BaseException as error:
        print(f"failed {module} {order}: {type(error).__name__}: {error}", flush=True)
    finally:
        os._exit(code)  # nothing of the process that forked it is to be closed


@dataclass(frozen=True)
class Death:
    """What is known of a process that may have been killed.

    Attributes:
        done: it came to its end.
        steps: how many it took, if so.
        failed: what it failed with, if it did.
        said: the other lines that it had written out.
    """

    done: bool
    steps: int
    failed: str
    said: list[str]


class Nursery:
    """The process that forks those that die.

    Args:
        module: a program of this folder, which serves when called with ``--serve``.
    """

    def __init__(self, module: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.soak.{module}", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the process that forks others has died")
        return line.rstrip("\n")

    def run(self, order: str, *, step: int = 0, seconds: float = 0.0) -> Death:
        """Let a process do something, and kill it.

        Args:
            order: what.
            step: before which step.
            seconds: after which time.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(f"{step} {seconds} {order}\n")
        self.process.stdin.flush()
        said: list[str] = []
        steps, failed, done = 0, "", False
        while (line := self._line()) != "ended":
            # A line may have been cut off by the kill; what follows it is ours again.
            line, cut, _ = line.partition("ended") if line.endswith("ended") else (line, "", "")
            if cut:
                break
            if line.startswith("done "):
                done, steps = True, int(line.split()[1])
            elif line.startswith("failed "):
                failed = line
            else:
                said.append(line)
        return Death(done, steps, failed, said)

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
