"""The rule for new passwords."""

from __future__ import annotations

from ..conf import get_settings
from ..hashers import normalise_password
from .errors import ApiError


def check_new_password(password: str) -> None:
    """Refuse a password that is too short or too long.

    Measured as it is hashed, in normal form NFKC, and in UTF-16 units, as JavaScript does: a
    client that checks the length itself comes to the same result.

    Raises:
        ApiError: 400.
    """
    options = get_settings().PASSWORD
    length = len(normalise_password(password).encode("utf-16-le", "surrogatepass")) // 2
    if length < options.MIN_LENGTH:
        raise ApiError(400, "PASSWORD_TOO_SHORT")
    if length > options.MAX_LENGTH:
        raise ApiError(400, "PASSWORD_TOO_LONG")
