"""What ``jazzauth doctor`` looks at, one subject per module."""

from __future__ import annotations

from .checkpoints import look_at_checkpoints
from .configuration import look_at_settings
from .database import look_at_database
from .findings import Checkup, Finding
from .keys import look_at_keys
from .log import look_at_log
from .relay import look_at_relay
from .versions import look_at_versions

__all__ = ["Checkup", "Finding", "examine"]


def examine(using: str) -> Checkup:
    """Look at everything; reads only, and carries on where something is wrong.

    Args:
        using: database alias.
    """
    checkup = Checkup()
    look_at_versions(checkup)
    look_at_settings(checkup)
    if look_at_database(checkup, using):
        look_at_keys(checkup, using)
        look_at_log(checkup, using)
        look_at_checkpoints(checkup, using)
        look_at_relay(checkup, using)
    return checkup
