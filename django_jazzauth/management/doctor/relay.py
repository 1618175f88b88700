"""The relay: whether it runs, and how far behind the log it is. NATS itself is not asked."""

from __future__ import annotations

from ...conf import get_settings
from ...errors import JazzAuthError
from ...store.relay.cursor import COUNTED, status
from .findings import Checkup

_LATE = 60.0
_RUN = "Run `manage.py jazzauth relay` as a service."


def look_at_relay(checkup: Checkup, using: str) -> None:
    """Nothing is said where no relay is configured."""
    try:
        given = get_settings().RELAY
        if not given.servers:
            return
        found = status(using, given.NAME)
    except JazzAuthError as error:
        checkup.error("relay", f"{error} [{error.code}]", _RUN)
        return
    if not found.started:
        checkup.warn("relay", f"the relay {found.name} never ran", _RUN)
        return
    more = "at least " if found.behind >= COUNTED else ""
    detail = (
        f"the relay {found.name} is at position {found.position:,}, {more}{found.behind:,} events "
        f"behind, the oldest of them by {found.oldest:,.0f} seconds"
    )
    if not found.led:
        checkup.warn("relay", f"{detail}; none runs", _RUN)
    elif found.oldest > _LATE:
        checkup.warn("relay", detail, "See what the relay says: NATS may be away, or too slow.")
    else:
        checkup.ok("relay", detail)
