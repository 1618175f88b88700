"""A probe for every public method of ``QuerySet``; those that write are in ``write_probes``."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Max, Q
from django.db.models.functions import Upper

from tests.testapp.models import Letter, Patient

from .probes import Probe, Trial, numbers
from .write_probes import WRITES


def _explain(t: Trial) -> tuple[Any, Any]:
    return bool(t.call(t.all.filter(**{t.f: t.v}), "explain")), True


def _raw(t: Trial) -> tuple[Any, Any]:
    rows = Patient.objects.raw(f"SELECT * FROM {Patient._meta.db_table} ORDER BY visits")
    return [getattr(row, t.f) for row in rows], t.values


def _extra(t: Trial) -> tuple[Any, Any]:
    rows = t.all.extra(where=["visits > %s"], params=[1]).filter(**{t.f: t.values[1]})
    return numbers(rows), [2]


def _select_for_update(t: Trial) -> tuple[Any, Any]:
    return numbers(Patient.objects.select_for_update().filter(**{t.f: t.v})), [1]


def _values_count(t: Trial) -> tuple[Any, Any]:
    rows = Patient.objects.values(t.f).annotate(n=Count("pk"))
    return {row[t.f]: row["n"] for row in rows}, dict.fromkeys(t.values, 1)


def _dates(t: Trial) -> tuple[Any, Any]:
    return list(Patient.objects.dates(t.f, "year")), None


def _datetimes(t: Trial) -> tuple[Any, Any]:
    return list(Patient.objects.datetimes(t.f, "year")), None


def _union(t: Trial) -> tuple[Any, Any]:
    one, two = (t.all.order_by().filter(visits=n) for n in (1, 2))
    return numbers(one.union(two)), [1, 2]


def _union_values(t: Trial) -> tuple[Any, Any]:
    one = t.all.order_by().filter(visits__lt=3).values_list(t.f, flat=True)
    two = t.all.order_by().filter(visits__lt=4).values_list(t.f, flat=True)
    return sorted(one.union(two)), t.values[:3]


def _same_value_twice(t: Trial) -> list[str]:
    """Let the last row have the first one's value, where that may be."""
    if t.f == "record_no":
        return t.values
    Patient.objects.filter(visits=4).update(**{t.f: t.v})
    return [*t.values[:3], t.v]


def _difference(t: Trial) -> tuple[Any, Any]:
    values = _same_value_twice(t)
    one = t.all.order_by().filter(visits__lt=3).values_list(t.f, flat=True)
    two = t.all.order_by().filter(visits__gt=2).values_list(t.f, flat=True)
    return sorted(one.difference(two)), sorted(set(values[:2]) - set(values[2:]))


def _intersection(t: Trial) -> tuple[Any, Any]:
    values = _same_value_twice(t)
    one = t.all.order_by().filter(visits__lt=3).values_list(t.f, flat=True)
    two = t.all.order_by().filter(visits__gt=2).values_list(t.f, flat=True)
    return sorted(one.intersection(two)), sorted(set(values[:2]) & set(values[2:]))


def _order_ties(t: Trial) -> tuple[Any, Any]:
    values = _same_value_twice(t)
    rows = Patient.objects.order_by(t.f, "-visits").values_list(t.f, "visits")
    expected = sorted(zip(values, range(1, 5), strict=True), key=lambda row: (row[0], -row[1]))
    return list(rows), expected


def _only(t: Trial) -> tuple[Any, Any]:
    patient = Patient.objects.only(t.f).get(visits=1)
    return (getattr(patient, t.f), "notes" in patient.__dict__), (t.v, False)


def _defer(t: Trial) -> tuple[Any, Any]:
    patient = Patient.objects.defer(t.f).get(visits=1)
    return (t.f in patient.__dict__, getattr(patient, t.f)), (False, t.v)


def _prefetch(t: Trial) -> tuple[Any, Any]:
    rows = t.all.prefetch_related("letters")
    return [(getattr(p, t.f), len(p.letters.all())) for p in rows], [(v, 1) for v in t.values]


def _select_related(t: Trial) -> tuple[Any, Any]:
    letters = Letter.objects.order_by("subject").select_related("patient")
    return [getattr(letter.patient, t.f) for letter in letters], t.values


READS = [
    Probe("all", "`all()`", lambda t: ([getattr(p, t.f) for p in t.all.all()], t.values)),
    Probe("filter", "`filter(f=v)`", lambda t: (numbers(t.all.filter(**{t.f: t.v})), [1])),
    Probe("exclude", "`exclude(f=v)`", lambda t: (numbers(t.all.exclude(**{t.f: t.v})), [2, 3, 4])),
    Probe(
        "complex_filter",
        "`complex_filter(Q(f=v) \\| Q(…))`",
        lambda t: (numbers(t.all.complex_filter(Q(**{t.f: t.v}) | Q(visits=2))), [1, 2]),
    ),
    Probe(
        "get",
        "`get(f=v)`",
        lambda t: (t.call(Patient.objects, "get", **{t.f: t.v}).visits, 1),
        True,
    ),
    Probe(
        "none", "`none().filter(f=v)`", lambda t: (numbers(t.all.none().filter(**{t.f: t.v})), [])
    ),
    Probe(
        "count",
        "`filter(f=v).count()`",
        lambda t: (t.call(t.all.filter(**{t.f: t.v}), "count"), 1),
        True,
    ),
    Probe(
        "exists",
        "`filter(f=v).exists()`",
        lambda t: (t.call(t.all.filter(**{t.f: t.v}), "exists"), True),
        True,
    ),
    Probe(
        "contains",
        "`filter(f=v).contains(obj)`",
        lambda t: (
            t.call(t.all.filter(**{t.f: t.v}), "contains", Patient.objects.get(visits=1)),
            True,
        ),
        True,
    ),
    Probe(
        "order_by",
        '`order_by("f")`',
        lambda t: ([p.visits for p in Patient.objects.order_by(f"-{t.f}")], [4, 3, 2, 1]),
    ),
    Probe("order_by", '`order_by("f", …).values("f", …)`', _order_ties),
    Probe(
        "reverse",
        '`order_by("f").reverse()`',
        lambda t: ([p.visits for p in Patient.objects.order_by(t.f).reverse()], [4, 3, 2, 1]),
    ),
    Probe(
        "first",
        '`order_by("f").first()`',
        lambda t: (t.call(Patient.objects.order_by(t.f), "first").visits, 1),
        True,
    ),
    Probe(
        "last",
        '`order_by("f").last()`',
        lambda t: (t.call(Patient.objects.order_by(t.f), "last").visits, 4),
        True,
    ),
    Probe(
        "latest",
        '`latest("f")`',
        lambda t: (t.call(Patient.objects, "latest", t.f).visits, 4),
        True,
    ),
    Probe(
        "earliest",
        '`earliest("f")`',
        lambda t: (t.call(Patient.objects, "earliest", t.f).visits, 1),
        True,
    ),
    Probe(
        "in_bulk",
        '`in_bulk([…], field_name="f")`',
        lambda t: (
            {
                k: p.visits
                for k, p in t.call(Patient.objects, "in_bulk", [t.v], field_name=t.f).items()
            },
            {t.v: 1},
        ),
        True,
    ),
    Probe(
        "iterator",
        "`iterator()`",
        lambda t: ([getattr(p, t.f) for p in t.listed(t.all, chunk_size=2)], t.values),
        True,
    ),
    Probe(
        "values",
        '`values("f")`',
        lambda t: (list(t.all.values(t.f)), [{t.f: value} for value in t.values]),
    ),
    Probe("values", '`values("f").annotate(Count(…))`', _values_count),
    Probe(
        "values_list",
        '`values_list("f")`, also `flat`, `named`',
        lambda t: (
            (
                list(t.all.values_list(t.f, flat=True)),
                getattr(t.all.values_list(t.f, named=True)[0], t.f),
            ),
            (t.values, t.v),
        ),
    ),
    Probe(
        "distinct",
        '`values("f").distinct()`',
        lambda t: (
            sorted(Patient.objects.values_list(t.f, flat=True).distinct()),
            t.values,
        ),
    ),
    Probe(
        "distinct",
        '`distinct("f")` (PostgreSQL)',
        lambda t: (numbers(Patient.objects.distinct(t.f)), [1, 2, 3, 4]),
        vendor="postgresql",
    ),
    Probe(
        "annotate",
        '`annotate(x=F("f"))`',
        lambda t: ([p.x for p in t.all.annotate(x=F(t.f))], t.values),
    ),
    Probe(
        "annotate",
        '`annotate(x=Upper("f"))`',
        lambda t: ([p.x for p in t.all.annotate(x=Upper(t.f))], [v.upper() for v in t.values]),
    ),
    Probe(
        "annotate",
        '`annotate(x=Count("relation"))`',
        lambda t: (
            [(getattr(p, t.f), p.x) for p in t.all.annotate(x=Count("letters"))],
            [(value, 1) for value in t.values],
        ),
    ),
    Probe(
        "alias",
        '`alias(x=F("f")).filter(x=v)`',
        lambda t: (numbers(t.all.alias(x=F(t.f)).filter(x=t.v)), [1]),
    ),
    Probe(
        "aggregate",
        '`aggregate(Count("f"))`',
        lambda t: (t.call(Patient.objects, "aggregate", x=Count(t.f)), {"x": 4}),
        True,
    ),
    Probe(
        "aggregate",
        '`aggregate(Max("f"))`, `Min`, `Sum`, `Avg`',
        lambda t: (t.call(Patient.objects, "aggregate", x=Max(t.f)), {"x": t.values[-1]}),
        True,
    ),
    Probe("union", "`union()` of whole rows", _union),
    Probe("union", '`values_list("f").union(…)`', _union_values),
    Probe("intersection", '`values_list("f").intersection(…)`', _intersection),
    Probe("difference", '`values_list("f").difference(…)`', _difference),
    Probe("dates", '`dates("f", …)`', _dates),
    Probe("datetimes", '`datetimes("f", …)`', _datetimes),
    Probe("only", '`only("f")`', _only),
    Probe("defer", '`defer("f")`', _defer),
    Probe("select_related", "`select_related()` to the sealed model", _select_related),
    Probe("prefetch_related", "`prefetch_related()`", _prefetch),
    Probe("select_for_update", "`select_for_update().filter(f=v)`", _select_for_update),
    Probe(
        "using",
        "`using(alias).filter(f=v)`",
        lambda t: (numbers(t.all.using("default").filter(**{t.f: t.v})), [1]),
    ),
    Probe("raw", '`raw("SELECT * …")`', _raw),
    Probe("extra", "`extra(where=…).filter(f=v)`", _extra),
    Probe("explain", "`filter(f=v).explain()`", _explain, True),
]

METHODS = [*READS, *WRITES]

# Public names that ask no database anything.
NO_QUERY = {
    "fetch_mode",
    "totally_ordered",
    "as_manager",
    "db",
    "ordered",
    "query",
    "resolve_expression",
}
