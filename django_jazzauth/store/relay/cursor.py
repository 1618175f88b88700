"""How far a relay is, in the database: read at its start, moved after each acknowledgement.

The row is also the lease of whoever publishes. A relay that was silent for longer than its lease
lost it, and finds out when it next wants to move the row; what it still publishes in between is
refused by the order of the stream, or repeats what is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
from django.db import connections, transaction
from django.db.models import Q

from ...drivers import as_octets
from ...errors import RelayLed, SealBroken
from ..models import EVENT_TABLE, RelayCursor
from .tail import Gap, Place

COUNTED = 100_000
"""What ``behind`` counts at most."""


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """Where a relay stands.

    Attributes:
        name: of the relay.
        started: whether it ever ran.
        position: up to which the log is published.
        published: events in all, as this relay counts them.
        behind: committed events that are not published, at most ``COUNTED``.
        oldest: seconds since the oldest of them was recorded; 0 if there are none.
        silent: seconds since it last moved; None if it never did.
        led: whether one runs now.
        gaps: stretches of positions in which something may still commit.
    """

    name: str
    started: bool
    position: int
    published: int
    behind: int
    oldest: float
    silent: float | None
    led: bool
    gaps: int


class Cursor:
    """The row of one relay, and the lease on it.

    Args:
        alias: database alias.
        name: of the relay.
        token: names this process.
        lease: seconds.
    """

    def __init__(self, alias: str, name: str, token: str, lease: float) -> None:
        self._rows = RelayCursor.objects.using(alias)
        self._alias = alias
        self._name = name
        self._token = token
        self._lease = int(lease * 1_000_000)

    def take(self) -> RelayCursor:
        """Become the one who publishes, and read where to go on.

        Raises:
            RelayLed: another one is.
        """
        now = _now()
        with transaction.atomic(using=self._alias):
            self._rows.get_or_create(name=self._name)
            free = Q(leased_until__lt=now) | Q(leader="") | Q(leader=self._token)
            taken = self._rows.filter(free, name=self._name).update(
                leader=self._token, leased_until=now + self._lease
            )
            row = self._rows.get(name=self._name)
        if not taken:
            raise RelayLed(
                f"Another relay called {self._name} publishes; this one can take over when that "
                f"was silent for {self._lease / 1_000_000:g} seconds."
            )
        return row

    def move(self, place: Place, published: int, keys_epoch: int) -> None:
        """Note what was acknowledged, and keep the lease.

        Raises:
            RelayLed: another relay took over.
        """
        now = _now()
        self._update(
            high=place.high,
            gaps=msgspec.msgpack.encode(place.gaps),
            published=published,
            keys_epoch=keys_epoch,
            moved_at=now,
            leased_until=now + self._lease,
        )

    def keep(self) -> None:
        """Keep the lease, with nothing to note.

        Raises:
            RelayLed: another relay took over.
        """
        self._update(leased_until=_now() + self._lease)

    def leave(self) -> None:
        """Let another one take over at once."""
        self._rows.filter(name=self._name, leader=self._token).update(leader="", leased_until=0)

    def _update(self, **values: object) -> None:
        if not self._rows.filter(name=self._name, leader=self._token).update(**values):
            raise RelayLed(f"Another relay called {self._name} took over.")


def place_of(row: RelayCursor) -> Place:
    """The place that a row holds.

    Raises:
        SealBroken: it was changed.
    """
    raw = as_octets(row.gaps)
    try:
        gaps = msgspec.msgpack.decode(raw, type=list[Gap]) if raw else []
    except msgspec.DecodeError:
        raise SealBroken(f"relay {row.name}", "its list of gaps does not open") from None
    return Place(row.high, gaps)


def status(alias: str, name: str) -> RelayStatus:
    """Where a relay stands, from the database alone."""
    row = RelayCursor.objects.using(alias).filter(name=name).first()
    place = Place() if row is None else place_of(row)
    condition, params = beyond(place)
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), MIN(recorded_at) FROM "  # noqa: S608 - constants and marks only
            f"(SELECT recorded_at FROM {EVENT_TABLE} WHERE {condition} "
            "ORDER BY position LIMIT %s) waiting",
            [*params, COUNTED],
        )
        behind, oldest = cursor.fetchone()
    now = _now()
    return RelayStatus(
        name=name,
        started=row is not None,
        position=place.high,
        published=0 if row is None else row.published,
        behind=behind,
        oldest=0.0 if oldest is None else max(0, now - oldest) / 1_000_000,
        silent=None if row is None or not row.moved_at else max(0, now - row.moved_at) / 1_000_000,
        led=row is not None and bool(row.leader) and row.leased_until >= now,
        gaps=len(place.gaps),
    )


def beyond(place: Place) -> tuple[str, list[int]]:
    """A condition that an event is not published yet, and its parameters."""
    stretches = " OR position BETWEEN %s AND %s" * len(place.gaps)
    return f"(position > %s{stretches})", [
        place.high,
        *(bound for gap in place.gaps for bound in gap),
    ]


def _now() -> int:
    return time.time_ns() // 1000
