"""A progress bar for long commands, on a terminal only."""

from __future__ import annotations

import time

from django.core.management.base import OutputWrapper

_WIDTH = 30
_INTERVAL = 0.1


class ProgressBar:
    """Draws how far a command is, in place, on a stream that is a terminal; silent otherwise.

    Args:
        stream: where to draw: a command's ``stderr``, so that its output can be piped.
        label: what is being done.
        unit: what is counted.
    """

    def __init__(self, stream: OutputWrapper, label: str, unit: str) -> None:
        self._stream = stream
        self._label = label
        self._unit = unit
        self._shown = stream.isatty()
        self._started = time.monotonic()
        self._drawn = 0.0
        self._length = 0

    def update(self, done: int, total: int | None = None, *, label: str | None = None) -> None:
        """Say how far it is; draws ten times a second at most.

        Args:
            done: how many are done.
            total: how many there are; None: not known.
            label: what is being done now, if that changed.
        """
        self._label = label or self._label
        if not self._shown:
            return
        now = time.monotonic()
        if now - self._drawn < _INTERVAL and done != total:
            return
        self._drawn = now
        self._draw(self._line(done, total, now - self._started))

    def finish(self) -> None:
        """Take the bar away."""
        if self._length:
            self._draw("")
            self._write("\r")
            self._length = 0

    def _line(self, done: int, total: int | None, seconds: float) -> str:
        if not total:
            return f"{self._label} {done:,} {self._unit}"
        share = min(done / total, 1.0)
        filled = round(share * _WIDTH)
        bar = "█" * filled + "░" * (_WIDTH - filled)
        left = f", {_duration(seconds / share - seconds)} left" if 0 < share < 1 else ""
        return f"{self._label} {bar} {share:4.0%}  {done:,} of {total:,} {self._unit}{left}"

    def _draw(self, line: str) -> None:
        self._write("\r" + line.ljust(self._length))
        self._length = len(line)

    def _write(self, text: str) -> None:
        self._stream.write(text, style_func=str, ending="")
        self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
