"""A probe for every lookup, and for expressions and joins over sealed fields."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, Lower, Rank, Upper

from tests.testapp.models import Letter, Patient, Ward

from .probes import Probe, Trial, numbers


def _lookup(name: str, shown: str, right: Any, matches: Any) -> Probe:
    """A lookup; ``right`` makes its value, ``matches`` says for which values it is true."""

    def run(t: Trial) -> tuple[Any, Any]:
        value = right(t)
        found = (
            numbers(Patient.objects.filter(**{f"{t.f}__{name}": value})),
            numbers(Patient.objects.exclude(**{f"{t.f}__{name}": value})),
        )
        hits = [n for n, text in enumerate(t.values, 1) if matches(text, value)]
        return found, (hits, [n for n in range(1, 5) if n not in hits])

    return Probe(name, f"`f__{name}={shown}`", run)


LOOKUPS = [
    _lookup("exact", "v", lambda t: t.v, lambda a, b: a == b),
    _lookup("in", "[v, …]", lambda t: [t.v, t.values[2], "no"], lambda a, b: a in b),
    _lookup("isnull", "True", lambda t: True, lambda a, b: a is None),
    _lookup("iexact", "v", lambda t: t.v.upper(), lambda a, b: a.lower() == b.lower()),
    _lookup("contains", "v", lambda t: t.v[1:3], lambda a, b: b in a),
    _lookup("icontains", "v", lambda t: t.v[1:3].upper(), lambda a, b: b.lower() in a.lower()),
    _lookup("startswith", "v", lambda t: t.v[:2], lambda a, b: a.startswith(b)),
    _lookup(
        "istartswith", "v", lambda t: t.v[:2].upper(), lambda a, b: a.lower().startswith(b.lower())
    ),
    _lookup("endswith", "v", lambda t: t.v[-2:], lambda a, b: a.endswith(b)),
    _lookup(
        "iendswith", "v", lambda t: t.v[-2:].upper(), lambda a, b: a.lower().endswith(b.lower())
    ),
    _lookup("regex", "v", lambda t: f"^{t.v[:2]}.", lambda a, b: a.startswith(b[1:3])),
    _lookup(
        "iregex",
        "v",
        lambda t: f"^{t.v[:2].upper()}.",
        lambda a, b: a.lower().startswith(b[1:3].lower()),
    ),
    _lookup("gt", "v", lambda t: t.values[1], lambda a, b: a > b),
    _lookup("gte", "v", lambda t: t.values[1], lambda a, b: a >= b),
    _lookup("lt", "v", lambda t: t.values[1], lambda a, b: a < b),
    _lookup("lte", "v", lambda t: t.values[1], lambda a, b: a <= b),
    _lookup(
        "range", "(v, w)", lambda t: (t.values[1], t.values[2]), lambda a, b: b[0] <= a <= b[1]
    ),
]


def _other_row(t: Trial) -> Any:
    return Patient.objects.filter(**{t.f: OuterRef(t.f)}).exclude(pk=OuterRef("pk"))


def _of_letter(t: Trial) -> Any:
    return Patient.objects.filter(pk=OuterRef("patient")).values(t.f)[:1]


def _letters(rows: Any) -> list[int]:
    return sorted(int(row.subject) for row in rows)


def _to_plain(t: Trial) -> tuple[Any, Any]:
    Letter.objects.filter(subject="2").update(subject=t.values[1])
    rows = Letter.objects.filter(subject__in=Patient.objects.values(t.f))
    return [row.subject for row in rows], [t.values[1]]


def _case_result(t: Trial) -> tuple[Any, Any]:
    chosen = Case(When(visits=1, then=F(t.f)), default=Value("other"))
    return [p.x for p in t.all.annotate(x=chosen)], [t.v, "other", "other", "other"]


def _case_condition(t: Trial) -> tuple[Any, Any]:
    chosen = Case(When(**{t.f: t.v}, then=1), default=2)
    return [p.x for p in t.all.annotate(x=chosen)], [1, 2, 2, 2]


def _window(t: Trial) -> tuple[Any, Any]:
    return [p.x for p in t.all.annotate(x=Window(Rank(), order_by=F(t.f).asc()))], [1, 2, 3, 4]


EXPRESSIONS = [
    Probe(
        "F",
        '`filter(f=F("f"))`',
        lambda t: (numbers(t.all.filter(**{t.f: F(t.f)})), [1, 2, 3, 4]),
    ),
    Probe(
        "F",
        '`filter(f=F("another field"))`',
        lambda t: (numbers(t.all.filter(**{t.f: F("notes")})), []),
    ),
    Probe(
        "F",
        '`filter(plain=F("relation__f"))`',
        lambda t: (_letters(Letter.objects.filter(subject=F(f"patient__{t.f}"))), []),
    ),
    Probe(
        "Q",
        "`filter(Q(f=v) \\| Q(…))`, also `&`, `^`, `~`",
        lambda t: (
            (
                numbers(t.all.filter(Q(**{t.f: t.v}) | Q(visits=2))),
                numbers(t.all.filter(~Q(**{t.f: t.v}) & Q(visits__lt=4))),
                numbers(t.all.filter(Q(**{t.f: t.v}) ^ Q(visits__lt=3))),
            ),
            ([1, 2], [2, 3], [2]),
        ),
    ),
    Probe(
        "join",
        "`filter(relation__f=v)` from a plain model",
        lambda t: (_letters(Letter.objects.filter(**{f"patient__{t.f}": t.v})), [1]),
    ),
    Probe(
        "join",
        "`filter(relation__f__icontains=v)`",
        lambda t: (_letters(Letter.objects.filter(**{f"patient__{t.f}__icontains": t.v})), [1]),
    ),
    Probe(
        "join",
        '`values("relation__f")`',
        lambda t: (
            list(Letter.objects.order_by("subject").values_list(f"patient__{t.f}", flat=True)),
            t.values,
        ),
    ),
    Probe(
        "join",
        '`order_by("relation__f")`',
        lambda t: (
            [int(row.subject) for row in Letter.objects.order_by(f"-patient__{t.f}")],
            [4, 3, 2, 1],
        ),
    ),
    Probe(
        "subquery",
        '`filter(f__in=queryset.values("f"))`',
        lambda t: (
            numbers(t.all.filter(**{f"{t.f}__in": Patient.objects.filter(visits=1).values(t.f)})),
            [1],
        ),
    ),
    Probe("subquery", '`filter(plain__in=queryset.values("f"))`', _to_plain),
    Probe(
        "subquery",
        "`filter(relation__in=queryset.filter(f=v))`",
        lambda t: (
            _letters(Letter.objects.filter(patient__in=Patient.objects.filter(**{t.f: t.v}))),
            [1],
        ),
    ),
    Probe(
        "subquery",
        '`annotate(x=Subquery(….values("f")))`',
        lambda t: (
            [
                row.x
                for row in Letter.objects.order_by("subject").annotate(x=Subquery(_of_letter(t)))
            ],
            t.values,
        ),
    ),
    Probe(
        "subquery",
        '`annotate(x=Upper(Subquery(….values("f"))))`, also `Coalesce`, `Case`',
        lambda t: (
            [row.x for row in Letter.objects.annotate(x=Upper(Subquery(_of_letter(t))))],
            [str(value).upper() for value in t.values],
        ),
    ),
    Probe(
        "subquery",
        '`annotate(x=Subquery(….values("f"))).order_by("x")`',
        lambda t: (
            [row.x for row in Letter.objects.annotate(x=Subquery(_of_letter(t))).order_by("x")],
            sorted(t.values),
        ),
    ),
    Probe(
        "exists",
        "`filter(Exists(….filter(f=v)))`",
        lambda t: (
            _letters(
                Letter.objects.filter(
                    Exists(Patient.objects.filter(pk=OuterRef("patient"), **{t.f: t.v}))
                )
            ),
            [1],
        ),
    ),
    Probe(
        "exists",
        '`Exists(….filter(f=OuterRef("f")))`',
        lambda t: (numbers(t.all.filter(Exists(_other_row(t)))), []),
    ),
    Probe("case", "`Case(When(f=v, then=…))`", _case_condition),
    Probe("case", '`Case(When(…, then=F("f")))`', _case_result),
    Probe(
        "function",
        '`order_by(Lower("f"))`',
        lambda t: ([p.visits for p in t.all.order_by(Lower(t.f).desc())], [4, 3, 2, 1]),
    ),
    Probe(
        "function",
        '`annotate(x=Coalesce("f", …))`',
        lambda t: ([p.x for p in t.all.annotate(x=Coalesce(t.f, Value("")))], t.values),
    ),
    Probe(
        "function",
        '`ExpressionWrapper(F("f"), …)`',
        lambda t: (
            [p.x for p in t.all.annotate(x=ExpressionWrapper(F(t.f), output_field=TextField()))],
            t.values,
        ),
    ),
    Probe("window", '`Window(…, order_by=F("f"))`', _window),
    Probe(
        "aggregate",
        "`annotate(Count(…, filter=Q(relation__f=v)))`",
        lambda t: (
            list(
                Ward.objects.annotate(x=Count("patient", filter=Q(**{f"patient__{t.f}": t.v})))
                .order_by("pk")
                .values_list("x", flat=True)
            ),
            [0, 1],
        ),
    ),
]


def _born(lookup: str, value: Any) -> Probe:
    def run(t: Trial) -> tuple[Any, Any]:
        Patient.objects.filter(visits=1).update(born=datetime.date(2000, 1, 2))
        return numbers(Patient.objects.filter(**{f"born__{lookup}": value})), [1]

    return Probe(lookup, f"`f__{lookup}=…`, sealed date", run)


def _extra(lookup: str, value: Any) -> Probe:
    def run(t: Trial) -> tuple[Any, Any]:
        Patient.objects.filter(visits=1).update(extra={"a": 1})
        return numbers(Patient.objects.filter(**{f"extra__{lookup}": value})), [1]

    return Probe(lookup, f"`f__{lookup}=…`, sealed JSON", run)


# Fields of other types; none of the models has a searchable one.
OTHER_TYPES = [
    _born("exact", datetime.date(2000, 1, 2)),
    _born("lt", datetime.date(2001, 1, 1)),
    _born("year", 2000),
    _extra("exact", {"a": 1}),
    _extra("a", 1),
    _extra("has_key", "a"),
    _extra("contains", {"a": 1}),
]
