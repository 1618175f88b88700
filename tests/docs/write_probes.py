"""A probe for every method of ``QuerySet`` that writes."""

from __future__ import annotations

from typing import Any

from django.db.models import Value
from django.db.models.functions import Concat, Upper

from tests.testapp.models import Letter, Patient

from .probes import Probe, Trial, numbers


def _changed(t: Trial, count: int, text: str) -> tuple[Any, Any]:
    found = list(t.all.values_list(t.f, flat=True))
    return (count, found), (1, [text, *t.values[1:]])


def _update(t: Trial) -> tuple[Any, Any]:
    rows = t.call(t.all.filter(visits=1), "update", **{t.f: "new@x.org"})
    return _changed(t, rows, "new@x.org")


def _update_expression(t: Trial) -> tuple[Any, Any]:
    rows = t.all.filter(visits=1).update(**{t.f: Concat(t.f, Value("z"))})
    return _changed(t, rows, f"{t.v}z")


def _update_plain_from_sealed(t: Trial) -> tuple[Any, Any]:
    rows = t.all.filter(visits=1).update(notes=Upper(t.f))
    return (rows, Patient.objects.get(visits=1).notes), (1, t.v.upper())


def _create(t: Trial) -> tuple[Any, Any]:
    made = t.call(Patient.objects, "create", **{"record_no": "Pe-5", t.f: "n"})
    return getattr(Patient.objects.get(pk=made.pk), t.f), "n"


def _get_or_create(t: Trial) -> tuple[Any, Any]:
    found = t.call(Patient.objects, "get_or_create", **{t.f: t.v})
    made = t.call(Patient.objects, "get_or_create", **{t.f: "n"}, defaults={"record_no": "n"})
    return (found[0].visits, found[1], getattr(made[0], t.f), made[1]), (1, False, "n", True)


def _update_or_create(t: Trial) -> tuple[Any, Any]:
    found, made = t.call(Patient.objects, "update_or_create", **{t.f: t.v}, defaults={"visits": 9})
    return (found.visits, made), (9, False)


def _bulk_create(t: Trial) -> tuple[Any, Any]:
    rows = [Patient(**{"record_no": str(n), t.f: str(n)}) for n in range(3)]
    t.call(Patient.objects, "bulk_create", rows)
    return Patient.objects.filter(visits=0).count(), 3


def _bulk_create_ignoring(t: Trial) -> tuple[Any, Any]:
    Patient.objects.bulk_create(
        [Patient(record_no="Pa-1"), Patient(**{"record_no": "n", t.f: "n"})],
        ignore_conflicts=True,
    )
    return Patient.objects.count(), 5


def _bulk_update(t: Trial) -> tuple[Any, Any]:
    patient = Patient.objects.get(visits=1)
    setattr(patient, t.f, "new")
    return _changed(t, t.call(Patient.objects, "bulk_update", [patient], [t.f]), "new")


def _delete(t: Trial) -> tuple[Any, Any]:
    t.call(Patient.objects.filter(**{t.f: t.v}), "delete")
    return (numbers(t.all), Letter.objects.count()), ([2, 3, 4], 3)


WRITES = [
    Probe("create", "`create(f=v)`", _create, True),
    Probe("get_or_create", "`get_or_create(f=v)`", _get_or_create, True),
    Probe("update_or_create", "`update_or_create(f=v)`", _update_or_create, True),
    Probe("update", "`update(f=v)`", _update, True),
    Probe("update", '`update(f=Concat("f", …))`', _update_expression),
    Probe("update", '`update(other=Upper("f"))`', _update_plain_from_sealed),
    Probe("bulk_create", "`bulk_create([…])`", _bulk_create, True),
    Probe("bulk_create", "`bulk_create([…], ignore_conflicts=True)`", _bulk_create_ignoring),
    Probe("bulk_update", '`bulk_update([…], ["f"])`', _bulk_update, True),
    Probe("delete", "`filter(f=v).delete()`", _delete, True),
]
