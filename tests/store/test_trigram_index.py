"""The blind trigram index: what it answers, that it keeps in step, and that it shows no text."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_jazzauth.errors import ScanRefused
from django_jazzauth.store import store, trigram_filling
from django_jazzauth.store.models import TrigramIndex, Trigrams
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


def configure(settings: Any, **entities: tuple[str, ...]) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": entities}


@pytest.fixture
def indexed(settings: Any) -> None:
    configure(settings, patient=("name", "email", "notes"))
    trigram_filling.refresh("default")


def make(number: int = 1, **values: Any) -> Patient:
    return Patient.objects.create(record_no=str(number), **values)


def names(**lookup: Any) -> list[str]:
    return sorted(Patient.objects.filter(**lookup).values_list("name", flat=True))


def opened_by(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "opened" in record.getMessage()]


def tokens(row: Patient) -> Any:
    found = Trigrams.objects.filter(stream=f"patient/{row.pk}").values_list("tokens", flat=True)
    return [bytes(one) if isinstance(one, memoryview) else one for one in found]


@pytest.mark.usefixtures("indexed")
def test_parts_are_found_without_a_scan(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    for number, name in enumerate(("Anna Meier", "ANNEMARIE", "Hannah", "Bob", "Ann", "")):
        make(number, name=name, email=f"{name[:3]}@example.org" if name else "")
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMIT": 5}
    assert names(name__icontains="ann") == ["ANNEMARIE", "Ann", "Anna Meier", "Hannah"]
    assert names(name__istartswith="an") == ["ANNEMARIE", "Ann", "Anna Meier"]
    assert names(name__iendswith="AH") == ["Hannah"]
    assert names(name__iexact="ann") == ["Ann"]
    assert names(email__istartswith="bob@") == ["Bob"]
    assert names(name__icontains="nobody") == []
    assert names(name__icontains="ann", email__icontains="han@") == ["Hannah"]
    assert len(Patient.objects.exclude(name__icontains="ann")) == 2
    assert opened_by(caplog) == []
    for lookup in ({"name__icontains": "an"}, {"name__contains": "Ann"}, {"name__regex": "^A"}):
        with pytest.raises(ScanRefused):
            names(**lookup)


@pytest.mark.usefixtures("indexed")
def test_it_follows_every_kind_of_write() -> None:
    one, two = make(1, name="Anna"), make(2, name="Berta")
    one.name = "Clara"
    one.save()
    assert (names(name__icontains="ann"), names(name__icontains="lara")) == ([], ["Clara"])
    Patient.objects.filter(pk=two.pk).update(name="Dorothea")
    Patient.objects.bulk_create(Patient(record_no=f"b{n}", name=f"Bulk {n}") for n in range(3))
    assert names(name__icontains="bulk") == ["Bulk 0", "Bulk 1", "Bulk 2"]
    assert names(name__icontains="rothe") == ["Dorothea"]
    assert not names(name__icontains="berta")
    pk = one.pk
    one.delete()
    assert not Trigrams.objects.filter(stream=f"patient/{pk}").exists()
    store.restore(Patient, pk)
    assert names(name__icontains="lara") == ["Clara"]
    assert store.verify().ok


@pytest.mark.usefixtures("indexed")
def test_a_write_that_is_undone_leaves_nothing() -> None:
    row = make(name="Anna")
    with pytest.raises(RuntimeError), transaction.atomic():
        Patient.objects.update(name="Berta")
        raise RuntimeError
    assert (names(name__icontains="ann"), names(name__icontains="bert")) == (["Anna"], [])
    assert len(tokens(row)) == 1


@pytest.mark.usefixtures("indexed")
def test_other_fields_cost_nothing() -> None:
    row = make(name="Anna")
    with CaptureQueriesContext(connection) as queries:
        row.visits = 3
        row.save()
    assert not [query for query in queries if "jazzauth_trigrams" in query["sql"]]


def test_it_is_not_asked_before_it_is_complete(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    make(1, name="Anna")
    configure(settings, patient=("name",))
    make(2, name="Hannah")
    assert names(name__icontains="ann") == ["Anna", "Hannah"]
    assert opened_by(caplog)
    assert trigram_filling.refresh("default") == {"patient": 2}
    caplog.clear()
    assert names(name__icontains="ann") == ["Anna", "Hannah"]
    assert not opened_by(caplog)
    configure(settings, patient=("name", "notes"))
    assert names(notes__icontains="abc") == []
    assert opened_by(caplog)  # the new field is not in yet
    trigram_filling.refresh("default")
    Patient.objects.update(notes="abcdef")
    assert names(notes__icontains="abc") == ["Anna", "Hannah"]
    configure(settings)
    assert names(name__icontains="ann") == ["Anna", "Hannah"]
    assert trigram_filling.refresh("default") == {}
    assert not Trigrams.objects.exists()
    assert not TrigramIndex.objects.exists()


def test_filling_leaves_what_is_newer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make(name="Anna")
    gone = make(2, name="Berta")
    configure(settings, patient=("name",))
    pages = trigram_filling._pages

    def overtaken(alias: str, entity: str) -> Any:
        for page in pages(alias, entity):
            Patient.objects.filter(pk=row.pk).update(name="Clara")
            gone.delete()
            yield page

    monkeypatch.setattr(trigram_filling, "_pages", overtaken)
    trigram_filling.refresh("default")
    assert names(name__icontains="clara") == ["Clara"]
    assert Trigrams.objects.count() == 1
    assert store.verify().ok


@pytest.mark.usefixtures("indexed")
def test_rebuild_and_verify(settings: Any) -> None:
    row, other = make(1, name="Anna"), make(2, name="Berta")
    before = tokens(row)
    Trigrams.objects.filter(stream=f"patient/{row.pk}").delete()
    Trigrams.objects.filter(stream=f"patient/{other.pk}").update(basis=1)
    found = {(problem.code, problem.stream) for problem in store.verify().problems}
    assert found == {("TRIGRAMS_DIFFER", f"patient/{one.pk}") for one in (row, other)}
    store.rebuild()
    assert store.verify().ok
    assert tokens(row) == before
    assert names(name__icontains="ann") == ["Anna"]


@pytest.mark.usefixtures("indexed")
def test_who_is_forgotten_leaves_no_tokens() -> None:
    person = get_user_model().objects.create_user("ana")
    make(name="Anna", owner=person)
    store.shred(person)
    assert not Trigrams.objects.exists()


@pytest.mark.usefixtures("indexed")
def test_no_text_is_in_it() -> None:
    row = make(name="Marmalade", notes="Marmalade")
    (held,) = tokens(row)
    assert "arm" not in str(held)
    assert b"arm" not in (held if isinstance(held, bytes) else b"")
    # Equal texts in two fields share no tokens but by chance.
    distinct = len(held) if isinstance(held, list) else len(held) // 2
    assert distinct > 16


def test_names_that_are_wrong_are_an_error(settings: Any) -> None:
    for entities, said in (
        ({"pateint": ("name",)}, "'pateint'"),
        ({"patient": ("visits",)}, "'visits' is no sealed text of patient"),
        ({"patient": ("extra",)}, "'extra'"),
    ):
        configure(settings, **entities)
        (found,) = [one for one in run_checks() if one.id == "jazzauth.E008"]
        assert said in found.msg
    configure(settings, patient=("name", "email"))
    assert not [one for one in run_checks() if one.id == "jazzauth.E008"]
