"""Cookies of answers whose attributes are put together once, not for each answer."""

from __future__ import annotations

from functools import lru_cache
from http.cookies import Morsel
from typing import Any, NamedTuple


class _Shape(NamedTuple):
    """What cookies of one name and kind have in common."""

    attributes: dict[str, Any]
    end: str


class _Prepared(Morsel[str]):
    """A morsel that knows its text as long as nobody changes it; then it is like any other.

    Each answer has one of its own, for middleware may change it.
    """

    _shape: _Shape | None = None

    def output(self, attrs: Any = None, header: str = "Set-Cookie:") -> str:
        return f"{header} {self.OutputString(attrs)}"

    def OutputString(self, attrs: Any = None) -> str:  # noqa: N802
        shape = self._shape
        if attrs is None and shape is not None and dict.__eq__(self, shape.attributes):
            return f"{self.key}={self.coded_value}{shape.end}"
        return super().OutputString(attrs)


def morsel(
    name: str, value: str, *, max_age: int | None, for_scripts: bool, secure: bool
) -> Morsel[str]:
    """A cookie with the path ``/`` and ``SameSite=Lax``.

    Args:
        name: its full name.
        value: as it is sent.
        max_age: seconds; ``None`` for a cookie that ends with the browser.
        for_scripts: without ``HttpOnly``.
        secure: with ``Secure``.

    Raises:
        http.cookies.CookieError: no cookie can have that name.
    """
    shape = _shape_of(max_age, for_scripts, secure)
    made = _Prepared.__new__(_Prepared)  # whose constructor sets each attribute to nothing
    dict.update(made, shape.attributes)
    made.set(name, value, value)
    made._shape = shape
    return made


@lru_cache(maxsize=64)
def _shape_of(max_age: int | None, for_scripts: bool, secure: bool) -> _Shape:
    made: Morsel[str] = Morsel()
    if max_age is not None:
        made["max-age"] = str(max_age)
    made["path"] = "/"
    if not for_scripts:
        made["httponly"] = True
    made["samesite"] = "Lax"
    if secure:
        made["secure"] = True
    made.set("name", "", "")
    return _Shape(dict(made), made.OutputString().removeprefix("name="))
