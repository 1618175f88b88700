"""Modules that most processes never need, loaded by whoever does.

A worker that signs nobody in through a provider needs no OAuth client, and one without cookies in
JWE no JOSE library; together they take some 5 MiB of each process. They are named at the top of a
module like any other import, for type checkers too:

    if TYPE_CHECKING:
        from joserfc import jwe
    else:
        jwe = deferred("joserfc.jwe")

For other people's packages only; our own modules import one another plainly. Not for requests,
psycopg or yaml: Django REST framework imports them wherever they are installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Deferred:
    # Not importlib.util.LazyLoader: in Python 3.11 two threads can run its module twice.

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)

    def __repr__(self) -> str:
        return f"<deferred module {self._name}>"


def deferred(name: str) -> Any:
    """What stands for a module until one of its attributes is asked for.

    Args:
        name: dotted, absolute.

    Returns:
        An object with the module's attributes. Asking for one raises ``ImportError`` where the
        module cannot be imported.
    """
    return _Deferred(name)
