"""``Model.objects.as_of(when)``: a whole model as it was."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_jazzauth.errors import NotJournalled, PastRefused, ScanRefused
from django_jazzauth.models import Session
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from tests.testapp.models import Letter, Patient, Tag, Ward

pytestmark = pytest.mark.django_db


def now() -> datetime.datetime:
    """The moment of the newest event: what was written until then counts."""
    newest = Event.objects.order_by("-recorded_at").first()
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(
        microseconds=newest.recorded_at
    )


@pytest.fixture
def then() -> datetime.datetime:
    owner = get_user_model().objects.create_user("ana", "Ana@example.org", "pw")
    for number in range(5):
        Patient.objects.create(
            record_no=f"R-{number}",
            name=f"N{number}",
            email=f"P{number}@Example.org",
            visits=number % 2,
            owner=owner if number else None,
        )
    moment = now()
    Patient.objects.filter(record_no="R-0").update(name="changed", record_no="X-0")
    Patient.objects.get(record_no="R-1").delete()
    Patient.objects.create(record_no="R-9")
    return moment


def numbers(view: Any) -> list[str]:
    return [patient.record_no for patient in view]


def test_everything_as_it_was(then: datetime.datetime) -> None:
    view = Patient.objects.as_of(then)
    assert numbers(view) == [f"R-{n}" for n in range(5)]
    assert view.count() == 5
    assert view.exists()
    assert Patient.objects.as_of(now()).count() == 5
    assert sorted(numbers(Patient.objects.as_of(now()))) == ["R-2", "R-3", "R-4", "R-9", "X-0"]
    long_ago = Patient.objects.as_of(then - datetime.timedelta(days=999))
    assert not long_ago
    assert long_ago.first() is None
    with pytest.raises(NotJournalled):
        view.get(record_no="R-1").save()
    assert view.get(record_no="R-0").name == "N0"


def test_narrowing(then: datetime.datetime) -> None:
    view = Patient.objects.as_of(then)
    owner = get_user_model().objects.get()
    one = view.get(record_no="R-1")
    assert numbers(view.filter(record_no__in=["R-1", "R-3", "none"])) == ["R-1", "R-3"]
    assert numbers(view.filter(visits=1)) == ["R-1", "R-3"]
    assert numbers(view.filter(visits="1", owner=owner)) == ["R-1", "R-3"]
    assert numbers(view.filter(owner_id=str(owner.pk)).exclude(visits=1)) == ["R-2", "R-4"]
    assert numbers(view.filter(owner__isnull=True)) == ["R-0"]
    assert numbers(view.filter(owner=None)) == ["R-0"]
    assert numbers(view.exclude(visits=1, record_no="R-1")) == ["R-0", "R-2", "R-3", "R-4"]
    assert numbers(view.filter(email__iexact="p2@example.ORG")) == ["R-2"]
    assert numbers(view.filter(email="p2@example.ORG")) == []
    assert numbers(view.filter(pk=one.pk)) == ["R-1"]
    assert numbers(view.filter(pk__in=[one.pk, uuid.uuid4()], visits=1)) == ["R-1"]
    assert numbers(view.filter(pk=one.pk).filter(pk=uuid.uuid4())) == []
    assert numbers(view.filter(pk=one)) == ["R-1"]
    assert numbers(view.exclude(pk=one.pk)) == ["R-0", "R-2", "R-3", "R-4"]
    with pytest.raises(Patient.DoesNotExist):
        view.get(record_no="R-9")
    with pytest.raises(Patient.MultipleObjectsReturned):
        view.get(visits=1)


def test_order_and_slices(then: datetime.datetime, settings: Any) -> None:
    view = Patient.objects.as_of(then)
    assert numbers(view.order_by("-record_no")) == [f"R-{n}" for n in (4, 3, 2, 1, 0)]
    assert numbers(view.order_by("visits", "-record_no")) == ["R-4", "R-2", "R-0", "R-3", "R-1"]
    assert numbers(view.order_by("visits", "-record_no").reverse())[:2] == ["R-1", "R-3"]
    assert len(numbers(view.order_by("pk"))) == 5
    assert numbers(view[1:3]) == ["R-1", "R-2"]
    assert view[4].record_no == "R-4"
    assert view.all().order_by("owner")[0].record_no == "R-0"
    with pytest.raises(IndexError):
        view[5]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ORDER_LIMIT": 4}
    with pytest.raises(ScanRefused):
        numbers(view.order_by("record_no"))
    assert view.count() == 5


def test_a_key_reads_its_stream_only(
    then: datetime.datetime, django_assert_max_num_queries: Any
) -> None:
    pk = Patient.objects.as_of(then).get(record_no="R-1").pk
    with django_assert_max_num_queries(4):
        assert Patient.objects.as_of(then).get(pk=pk).name == "N1"


def test_batches_meet(then: datetime.datetime) -> None:
    view = Patient.objects.as_of(then)
    for size in (1, 2, 5, 6):
        assert [p.record_no for p in view.iterator(chunk_size=size)] == [f"R-{n}" for n in range(5)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda view: view.filter(record_no__contains="R"),
        lambda view: view.filter(owner__email="x"),
        lambda view: view.filter(name="N1"),
        lambda view: view.filter(name__iexact="N1"),
        lambda view: view.filter(nothing=1),
        lambda view: view.filter(tags=1),
        lambda view: view.filter(visits="many"),
        lambda view: view.filter(pk="x"),
        lambda view: view.filter(pk__isnull=True),
        lambda view: view.order_by("owner__email"),
        lambda view: view.order_by("?"),
        lambda view: view.reverse(),
        lambda view: view[-1],
        lambda view: view[:-1],
        lambda view: len(view),
        lambda view: view.update(visits=1),
        lambda view: view.delete(),
        lambda view: view.values("pk"),
        lambda view: view.aggregate(),
        lambda view: view.create(),
        lambda view: view.select_related("owner"),
        lambda view: view.last(),
        lambda view: Patient.objects.filter(visits=1).as_of(now()),
        lambda view: Patient.objects.all()[:3].as_of(now()),
    ],
)
def test_everything_else_is_refused(then: datetime.datetime, ask: Any) -> None:
    with pytest.raises(PastRefused) as caught:
        ask(Patient.objects.as_of(then))
    assert caught.value.code == "PAST_REFUSED"


def test_odd_questions(then: datetime.datetime) -> None:
    with pytest.raises(ValueError):
        Patient.objects.as_of(datetime.datetime(2026, 1, 1))
    with pytest.raises(AttributeError):
        Patient.objects.as_of(then).nonsense  # noqa: B018
    assert "Patient" in repr(Patient.objects.as_of(then))
    assert not hasattr(Letter.objects, "as_of")
    assert not hasattr(Tag.objects, "as_of")


def test_of_other_models(then: datetime.datetime) -> None:
    ward = Ward.objects.create(name="North")
    moment = now()
    ward.delete()
    assert [w.name for w in Ward.objects.as_of(moment).filter(name__iexact="NORTH")] == ["North"]
    assert get_user_model().objects.as_of(then).get(email__iexact="ana@EXAMPLE.org")
    assert Session.objects.as_of(then).count() == 0


def test_who_was_shredded_is_in_no_answer(then: datetime.datetime) -> None:
    user = get_user_model().objects.get()
    pk = user.pk
    store.shred(user)
    assert get_user_model().objects.as_of(then).count() == 0
    assert not get_user_model().objects.as_of(then).filter(pk=pk).exists()
    assert numbers(Patient.objects.as_of(then)) == ["R-0"]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["create", "save", "delete"]), st.integers(0, 4)), max_size=12
    )
)
def test_as_a_table_that_was_kept(db: None, steps: list[tuple[str, int]]) -> None:
    run = uuid.uuid4().hex[:6]
    living: dict[int, Patient] = {}
    kept: list[tuple[datetime.datetime, dict[Any, int]]] = []
    for number, (step, slot) in enumerate(steps):
        if step == "create" and slot not in living:
            living[slot] = Patient.objects.create(record_no=f"{run}-{number}", visits=number)
        elif step == "save" and slot in living:
            living[slot].visits = number
            living[slot].save()
        elif step == "delete" and slot in living:
            living.pop(slot).delete()
        else:
            continue
        kept.append((now(), {p.pk: p.visits for p in living.values()}))
    ours = {pk for _, table in kept for pk in table}
    for moment, table in dict(kept).items():
        found = {p.pk: p.visits for p in Patient.objects.as_of(moment) if p.pk in ours}
        assert found == table
