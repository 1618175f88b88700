"""The log: how long it is, whether its end opens, and whether the clock agrees with it."""

from __future__ import annotations

import datetime

from django.db.models import Max
from django.utils import timezone

from ...conf import get_settings
from ...errors import JazzAuthError, KeyDestroyed, PayloadCompacted
from ...store.events import moment, open_record
from ...store.models import Event as EventRecord
from ...store.registry import projector_for, projectors
from ...store.trigram_index import is_complete
from .findings import Checkup

_TOLERATED = datetime.timedelta(seconds=1)


def look_at_log(checkup: Checkup, using: str) -> None:
    """Count the events, open the newest, and compare the clock with it."""
    events = EventRecord.objects.using(using)
    newest = events.order_by("-position").first()
    if newest is None:
        checkup.ok("log.events", "the log is empty")
        return
    checkup.ok(
        "log.events", f"{events.count():,} events; the newest position is {newest.position:,}"
    )
    _look_at_newest(checkup, using, newest)
    for entity in get_settings().TRIGRAM_INDEX:
        if not is_complete(using, entity):
            checkup.warn(
                "log.trigrams",
                f"the trigram index of {entity} is not complete: searches open heads instead",
                "Restart every process with the present settings, then run "
                "`manage.py jazzauth trigrams`.",
            )
    latest = events.filter(position__gt=newest.position - 1000).aggregate(at=Max("recorded_at"))
    ahead = moment(latest["at"]) - timezone.now()
    if ahead > _TOLERATED:
        checkup.error(
            "log.clock",
            f"the newest events are {ahead} ahead of this machine's clock",
            "Set the clock (NTP); events written meanwhile carry the time of those before them.",
        )
    else:
        checkup.ok("log.clock", f"the clock is not behind the newest event ({-ahead} old)")


def _look_at_newest(checkup: Checkup, using: str, newest: EventRecord) -> None:
    place = f"{newest.stream}@{newest.version}"
    if projector_for(newest.stream) is None:
        known = ", ".join(projector.entity for projector in projectors())
        checkup.error(
            "log.entity",
            f"{place}: no installed model is called so (there are {known})",
            "Put the app that wrote it back into INSTALLED_APPS, or give the model its old name.",
        )
        return
    try:
        open_record(using, newest)
    except PayloadCompacted:
        checkup.ok("log.newest", f"{place}: it was compacted, as it should be after its time")
    except KeyDestroyed:
        checkup.ok("log.newest", f"{place}: its key was destroyed, as it should be after shredding")
    except JazzAuthError as error:
        checkup.error(
            "log.newest",
            f"{place} does not open: {error} [{error.code}]",
            "Run `manage.py jazzauth verify` to see how much is affected.",
        )
    else:
        checkup.ok("log.newest", f"{place} opens")
