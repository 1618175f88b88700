"""Whether an event that ends an entity was made by the application.

Header and digest of an event can be written by anybody who can write to the original, or publish to
NATS. What a copy loses by it, a row or payloads, it gives up only for an event that opens.
"""

from __future__ import annotations

from ...errors import (
    CopyRefused,
    JazzAuthError,
    KeyUnavailable,
    RelayUnavailable,
    WrongWorkerSecret,
)
from ...keys.keyring import keyring
from ...keys.sql import find_by_id
from ...keys.tombstones import read_tombstones
from ..chained import place_of
from ..journal import COMPACTED
from ..sealing import event_aad, open_payload
from .wire import EventCarried


def is_genuine_end(alias: str, event: EventCarried) -> bool:
    """Whether a copy may act on an event of a type that ends an entity.

    Args:
        alias: database alias of the copy.
        event: its digest fits.

    Returns:
        False: its payload was dropped since, so that nothing can be said of it. The event that
        dropped it ends the entity as well, and opens.

    Raises:
        CopyRefused: it does not open, or was written after its data key had been destroyed.
        RelayUnavailable: its data key has not arrived yet.
        WrongWorkerSecret: this worker can open nothing here.
    """
    place = f"{event.stream}@{event.version}"
    rows = find_by_id(alias, [event.key_id])
    if not rows:
        # Before the keyring is asked: in a copy without any key it would make an epoch.
        raise RelayUnavailable(f"The data key of {place} has not arrived yet.")
    if rows[0].wrapped is None:
        end = read_tombstones(alias, [event.key_id]).get(event.key_id)
        # Nothing of that person opens any more. What is compacted has a key that nobody destroys.
        if event.type != COMPACTED and end is not None and event.position <= end:
            return True
    elif event.payload is None:
        return False
    elif _opens(alias, event):
        return True
    raise CopyRefused(
        f"{place}: it ends the entity, but nobody who has the keys wrote it. Run `manage.py "
        "jazzauth verify` on the original."
    )


def _opens(alias: str, event: EventCarried) -> bool:
    try:
        envelope = keyring(alias).data_key_by_id(event.key_id)
        aad = event_aad(place_of(event))
        open_payload(envelope, aad, event.payload or b"", event.stream)
    except WrongWorkerSecret:
        raise
    except KeyUnavailable as error:  # its epoch may be on its way
        raise RelayUnavailable(f"{event.stream}@{event.version}: {error}.") from None
    except (ValueError, JazzAuthError):
        return False
    return True
