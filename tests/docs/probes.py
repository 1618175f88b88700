"""What a probe is: one call on a sealed field, the answer it must give, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import QuerySet

from tests.testapp.models import Letter, Patient, Ward

# One row per patient: its number, and what the field has in each column of the table.
VALUES = {
    "record_no": ["Pa-1", "Pb-2", "Pc-3", "Pd-4"],
    "email": ["Ana@Example.com", "Ben@Example.com", "Cy@Example.com", "Dee@Example.com"],
    "name": ["Ana", "Ben", "Cy", "Dee"],
}
COLUMNS = {
    "record_no": "searchable",
    "email": "searchable, casefold",
    "name": "not searchable",
}


@dataclass(frozen=True)
class Trial:
    """One probe on one field.

    Attributes:
        f: the field's name.
        v: what the first row has there.
        values: what all rows have, in the order of their numbers (``visits``).
        in_async: take the async twin of each method.
    """

    f: str
    in_async: bool = False

    @property
    def values(self) -> list[str]:
        return VALUES[self.f]

    @property
    def v(self) -> str:
        return self.values[0]

    @property
    def all(self) -> QuerySet[Patient]:
        return Patient.objects.order_by("visits")

    def call(self, queryset: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method, or its async twin."""
        if not self.in_async:
            return getattr(queryset, method)(*args, **kwargs)

        async def run() -> Any:
            return await getattr(queryset, f"a{method}")(*args, **kwargs)

        return async_to_sync(run)()

    def listed(self, queryset: Any, **kwargs: Any) -> list[Any]:
        """What ``iterator()`` gives."""
        if not self.in_async:
            return list(queryset.iterator(**kwargs))

        async def collect() -> list[Any]:
            return [row async for row in queryset.aiterator(**kwargs)]

        return async_to_sync(collect)()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Probe:
    """A line of the table.

    Attributes:
        name: the method or lookup that it covers.
        shown: the call, with ``f`` for the field and ``v`` for a value.
        run: gives (answer, right answer).
        twin: whether the async method must do the same.
        vendor: the one database that can do it; elsewhere the line is taken as it stands.
    """

    name: str
    shown: str
    run: Callable[[Trial], tuple[Any, Any]]
    twin: bool = False
    vendor: str | None = None


def numbers(rows: Any) -> list[int]:
    """The numbers of patients, sorted."""
    return sorted(row.visits for row in rows)


def make_rows() -> None:
    """Four patients in two wards, with a letter each."""
    wards = [Ward.objects.create(name=name) for name in ("North", "South")]
    for number in range(1, 5):
        values = {field: column[number - 1] for field, column in VALUES.items()}
        patient = Patient.objects.create(visits=number, ward=wards[number % 2], **values)
        Letter.objects.create(patient=patient, subject=str(number))
