"""Checkpoints: whether one is kept outside, how old it is, and whether the database contains it."""

from __future__ import annotations

from django.utils import timezone

from ...conf import get_settings
from ...errors import JazzAuthError
from ...store.checkpoints import newest
from ...store.generations import current_generation, standing
from ...store.leaves import open_batch
from ...store.models import Checkpoint
from ...store.models import Event as EventRecord
from ...store.outside import read_outside
from .findings import Checkup

_MAKE = "Run `manage.py jazzauth checkpoint` regularly."


def look_at_checkpoints(checkup: Checkup, using: str) -> None:
    """The newest in the database, and the one outside."""
    try:
        given = get_settings().CHECKPOINT
    except JazzAuthError:
        return  # said already
    last = newest(using)
    if last is None:
        checkup.ok("checkpoint.newest", "there is none yet; nothing shows a rollback")
    else:
        age = timezone.now() - last.created_at
        detail = f"the newest covers {last.size:,} events and is {age} old"
        late = given.INTERVAL is not None and age.total_seconds() > 2 * given.INTERVAL
        # Without new events none is made, which is in order as well.
        if late and _something_new(checkup, using, last):
            checkup.warn("checkpoint.newest", detail, _MAKE)
        else:
            checkup.ok("checkpoint.newest", detail)
    if given.FILE is None:
        return
    try:
        note = read_outside(given.FILE)
        if note is None:
            checkup.warn("checkpoint.outside", f"there is no file {given.FILE} yet", _MAKE)
            return
        stands = standing(using, note)
        generation = current_generation(using)
    except JazzAuthError as error:
        checkup.error(
            "checkpoint.outside",
            f"{error} [{error.code}]",
            "Compare the file with another copy of the checkpoint.",
        )
        return
    if stands == "rolled back":
        checkup.error(
            "checkpoint.outside",
            "the database does not contain what the checkpoint outside says",
            "It was rolled back, or is another one; docs: back up and restore.",
        )
    else:
        checkup.ok("checkpoint.outside", f"{stands}; generation {generation}")


def _something_new(checkup: Checkup, using: str, last: Checkpoint) -> bool:
    try:
        high = open_batch(using, last).high
    except JazzAuthError as error:
        checkup.error(
            "checkpoint.stored",
            f"{error} [{error.code}]",
            "Run `manage.py jazzauth verify` to see how much is affected.",
        )
        return False
    return EventRecord.objects.using(using).filter(position__gt=high).exists()
