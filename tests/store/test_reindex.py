"""Searchable columns move to new keys; equal values stay equal on the way."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.utils import timezone

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.errors import ReindexRefused, SealBroken
from django_jazzauth.keys import index_rotation
from django_jazzauth.keys.index_places import columns_on_their_way
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import IndexColumn, IndexRoot
from django_jazzauth.keys.rotation import rotate
from django_jazzauth.store import reindex as module
from django_jazzauth.store import store, trigram_filling, trigram_index
from django_jazzauth.store.models import Trigrams
from django_jazzauth.store.reindex import all_columns, reindex, to_move
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap
from tests.testapp.models import LabTreatment, Patient, Ward

from ..keys.conftest import own_key, seal_generations
from .reindexing import Killed, columns, generations, populate, stop_after

User: Any = get_user_model()
ON_DISK = pytest.mark.django_db(transaction=True)


@pytest.mark.django_db
def test_all_columns_move_and_the_old_key_is_destroyed() -> None:
    populate()
    counted = to_move("default", all_columns())
    assert counted["patient.record_no"] == 12 and counted["ward.name:folded"] == 1
    told: list[tuple[int, int]] = []
    done = reindex(wait=0, batch=5, progress=lambda *figures: told.append(figures))
    total = sum(counted.values())
    assert done.moved == total and told[-1] == (total, total)
    assert done.destroyed == [1] and not done.left
    assert {str(column) for column in done.columns} == set(counted)
    assert generations("testapp_patient", "record_no") == {2}
    assert generations("jazzauth_user", "email_folded") == {2}
    old, new = IndexRoot.objects.order_by("generation")
    assert old.wrapped is None and old.retired_at is not None and new.retired_at is None
    assert User.objects.get(email__iexact="u3@EXAMPLE.org").username == "u3"
    assert Patient.objects.get(record_no="r5").email == "same2@example.org"
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.create(record_no="r5")
    assert store.verify().ok
    store.rebuild()
    assert generations("testapp_patient", "record_no") == {2}
    assert store.verify().ok


@pytest.mark.django_db
def test_one_field_moves_and_the_others_keep_their_key() -> None:
    populate()
    done = reindex(columns=columns("patient.record_no"), wait=0)
    assert (done.moved, done.destroyed) == (12, [])
    assert generations("testapp_patient", "record_no") == {2}
    assert generations("testapp_patient", "email") == {1}
    Patient.objects.create(record_no="new", email="new@example.org")
    assert generations("testapp_patient", "record_no") == {2}
    assert generations("testapp_patient", "email") == {1}
    assert [c.generation for c in keyring("default").index_ciphers("patient", "email")] == [1]
    # Nothing is under the second one after this.
    assert reindex(columns=columns("patient.record_no"), wait=0).destroyed == [2]
    assert reindex(wait=0).destroyed == [1, 3]
    assert generations("testapp_patient", "record_no") == {4}
    assert generations("testapp_treatment", "code") == {4}
    assert store.verify().ok


@pytest.mark.django_db
def test_old_keys_compare_with_nothing_afterwards() -> None:
    populate()
    stolen = keyring("default").index_cipher("patient", "record_no")
    reindex(wait=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_no FROM testapp_patient")
        blobs = {bytes(row[0]) for row in cursor.fetchall()}
    assert stolen.seal(b"sr5") not in blobs
    for blob in blobs:
        with pytest.raises(EnvelopeError):
            stolen.open(blob)


# -- between two generations ---------------------------------------------------------------------


def test_every_kind_of_query_answers_truly_half_way(half_way: None) -> None:
    patients = Patient.objects.all()
    for n in range(3):
        email = f"same{n}@example.org"
        assert patients.filter(email=email).count() == 4
        assert patients.filter(email__in=[email, "nobody@example.org"]).count() == 4
        assert patients.filter(email__iexact=email.upper()).count() == 4
        assert patients.exclude(email=email).count() == 8
        assert patients.filter(~models.Q(email__iexact=email)).count() == 8
    assert patients.values("email").distinct().count() == 3
    assert len(set(patients.values_list("email", flat=True).distinct())) == 3
    grouped = patients.order_by().values("email").annotate(n=Count("pk"))
    assert sorted((row["email"], row["n"]) for row in grouped) == [
        (f"same{n}@example.org", 4) for n in range(3)
    ]
    assert patients.aggregate(n=Count("email", distinct=True)) == {"n": 3}
    assert patients.filter(email__isnull=True).count() == 0
    assert patients.filter(email=F("email")).count() == 12
    same = Patient.objects.filter(email=OuterRef("email")).exclude(pk=OuterRef("pk"))
    assert patients.filter(models.Exists(same)).count() == 12
    some = Patient.objects.filter(record_no="r4").values("email")
    assert patients.filter(email__in=some).count() == 4
    assert patients.filter(email=Subquery(some)).count() == 4
    assert patients.order_by("email", "record_no").first().email == "same0@example.org"
    assert sorted({p.email for p in patients.union(patients)}) == sorted(
        {p.email for p in patients}
    )
    assert store.verify().ok


def test_writes_half_way_keep_equal_values_together(half_way: None) -> None:
    def spread() -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        with connection.cursor() as cursor:
            cursor.execute("SELECT email FROM testapp_patient")
            blobs = [bytes(row[0]) for row in cursor.fetchall()]
        for blob in blobs:
            value = Patient._meta.get_field("email").open_column(blob, "default")
            found.setdefault(value, set()).add(blob[1])
        return found

    Patient.objects.bulk_create(
        Patient(record_no=f"b{n}", email=f"same{n}@example.org") for n in range(3)
    )
    patient = Patient.objects.get(record_no="r0")
    patient.email = "same1@example.org"
    patient.save()
    Patient.objects.filter(record_no="r3").update(email="same2@example.org")
    Patient.objects.get(record_no="r6").delete()
    assert all(len(found) == 1 for found in spread().values())
    assert set().union(*spread().values()) == {1, 2}
    store.rebuild()
    assert all(len(found) == 1 for found in spread().values())
    assert store.verify().ok
    assert reindex(columns=[], wait=0).moved > 0
    assert all(found == {2} for found in spread().values())


def test_what_is_unique_stays_unique_half_way(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    populate()
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        with pytest.raises(Killed):
            reindex(columns=columns("patient.record_no"), wait=0, batch=1)
    keyring("default").forget()
    assert generations("testapp_patient", "record_no") == {1, 2}
    for n in range(12):
        with pytest.raises(IntegrityError), transaction.atomic():
            Patient.objects.create(record_no=f"r{n}")
        assert not Patient.objects.get_or_create(record_no=f"r{n}")[1]
        assert Patient.objects.get(record_no=f"r{n}").record_no == f"r{n}"
    Patient.objects.bulk_create(
        [Patient(record_no=f"r{n}") for n in range(12)], ignore_conflicts=True
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.filter(record_no="r1").update(record_no="r2")
    assert Patient.objects.count() == 12
    reindex(columns=[], wait=0)
    assert generations("testapp_patient", "record_no") == {2}


@pytest.mark.django_db
@pytest.mark.parametrize("steps", range(0, 9, 2))
def test_a_run_that_died_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    populate(4)
    with monkeypatch.context() as patch:
        stop_after(patch, steps)
        with pytest.raises(Killed):
            reindex(wait=0, batch=3)
    moving = columns_on_their_way("default")
    assert moving and all(0 <= share <= 1 for share in moving.values())
    # Its keys may be wrapped anew in between.
    rotate("default")
    assert rewrap().left.total == 0
    retire("default", 1)
    done = reindex(wait=0)
    assert done.destroyed == [1] and not columns_on_their_way("default")
    assert IndexRoot.objects.filter(retired_at=None).get().generation == 2
    assert generations("testapp_patient", "record_no") == {2}
    assert store.verify().ok


def test_another_wish_is_granted_after_what_was_begun(half_way: None) -> None:
    done = reindex(columns=columns("patient.record_no", "patient.email"), wait=0)
    assert {str(c) for c in done.columns} == {
        "patient.email",
        "patient.email:folded",
        "patient.record_no",
    }
    assert generations("testapp_patient", "email") == {2}
    assert generations("testapp_patient", "record_no") == {3}


def test_what_does_not_open_stays_behind_and_is_told(half_way: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM testapp_patient")
        old = next(bytes(row[0]) for row in cursor.fetchall() if bytes(row[0])[1] == 1)
        broken = old[:-1] + bytes((old[-1] ^ 1,))
        cursor.execute("UPDATE testapp_patient SET email = %s WHERE email = %s", [broken, old])
        changed = cursor.rowcount
    done = reindex(columns=[], wait=0)
    assert done.left == {"patient.email": changed} and not done.destroyed
    assert {p.code for p in store.verify().problems} == {"COLUMN_DIFFERS"}
    store.rebuild()
    done = reindex(columns=[], wait=0)
    assert not done.left and {str(c) for c in done.columns} == {
        "patient.email",
        "patient.email:folded",
    }
    assert store.verify().ok


@pytest.mark.django_db
def test_a_column_of_the_old_generation_put_back_by_sql_does_not_load() -> None:
    Patient.objects.create(record_no="r1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_no FROM testapp_patient")
        old = bytes(cursor.fetchone()[0])
        reindex(columns=columns("patient.record_no"), wait=0)
        cursor.execute("UPDATE testapp_patient SET record_no = %s", [old])
    with pytest.raises(SealBroken):
        Patient.objects.get()
    assert not store.verify().ok


@pytest.mark.django_db
def test_inherited_columns_move_with_the_table_that_they_stand_in() -> None:
    LabTreatment.objects.create(lab="x", code="inherited")
    reindex(wait=0)
    assert LabTreatment.objects.get(code="inherited").lab == "x"
    assert store.verify().ok


@ON_DISK
def test_foreign_keys_by_a_searchable_value_move_along(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bed(models.Model):
        ward = models.ForeignKey(Ward, models.CASCADE, to_field="name")

        class Meta:
            app_label = "testapp"

    try:
        with connection.schema_editor() as editor:
            editor.create_model(Bed)
        for name in "abcdef":
            Bed.objects.create(ward=Ward.objects.create(name=name))
        with monkeypatch.context() as patch:
            stop_after(patch, 2)
            with pytest.raises(Killed):
                reindex(columns=columns("ward.name"), wait=0, batch=1)
        keyring("default").forget()
        assert generations("testapp_bed", "ward_id") == {1, 2}
        for ward in Ward.objects.all():
            Bed.objects.create(ward=ward)
            assert Bed.objects.filter(ward=ward).count() == 2 == ward.bed_set.count()
        assert Ward.objects.filter(bed__isnull=False).distinct().count() == 6
        assert reindex(columns=[], wait=0).moved > 0
        assert generations("testapp_bed", "ward_id") == {2} == generations("testapp_ward", "name")
        assert {bed.ward.name for bed in Bed.objects.select_related("ward")} == set("abcdef")
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Bed)
        apps.all_models["testapp"].pop("bed")
        apps.clear_cache()


@pytest.mark.django_db
def test_the_trigram_index_moves_along(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"patient": ("name", "email")}}
    trigram_filling.refresh("default")

    def found(part: str) -> list[str]:
        return sorted(
            Patient.objects.filter(name__icontains=part).values_list("record_no", flat=True)
        )

    for n in range(5):
        Patient.objects.create(record_no=f"r{n}", name=f"Hannah {n}", email=f"h{n}@example.org")
    before = dict(Trigrams.objects.values_list("stream", "basis"))

    def die(*arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, "renew", die)
        with pytest.raises(Killed):
            reindex(wait=0)
    keyring("default").forget()
    # From here on tokens are written under the new keys, and looked up under both.
    Patient.objects.create(record_no="new", name="Hannah new")
    assert set(Trigrams.objects.values_list("basis", flat=True)) > set(before.values())
    assert found("hanna") == ["new", "r0", "r1", "r2", "r3", "r4"]
    assert store.verify().ok
    assert reindex(columns=[], wait=0).destroyed == [1]
    after = dict(Trigrams.objects.values_list("stream", "basis"))
    assert len(set(after.values())) == 1 and not set(after.values()) & set(before.values())
    caplog.clear()
    assert found("hanna") == ["new", "r0", "r1", "r2", "r3", "r4"]
    assert not [record for record in caplog.records if "opened" in record.getMessage()]
    assert store.verify().ok


@pytest.mark.django_db
def test_an_unconfigured_trigram_index_is_not_trusted_with_new_keys(settings: Any) -> None:
    configured = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"patient": ("name",)}}
    settings.JAZZAUTH = configured
    trigram_filling.refresh("default")
    Patient.objects.create(record_no="r", name="Hannah")
    settings.JAZZAUTH = {**configured, "TRIGRAM_INDEX": {}}
    reindex(wait=0)
    settings.JAZZAUTH = configured
    assert not trigram_index.is_complete("default", "patient")
    assert Patient.objects.filter(name__icontains="anna").count() == 1


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_numbers_of_generations_are_given_again_when_all_are_used_up() -> None:
    populate(1)
    first = IndexRoot.objects.get()
    for number in range(2, 255):
        IndexRoot.objects.create(
            generation=number,
            epoch=first.epoch,
            wrapped=own_key(first.epoch).wrap_index_root(number, bytes(32)),
        )
    seal_generations()
    with pytest.raises(ReindexRefused, match="254 generations"):
        index_rotation.announce("default", [("patient", "record_no")])
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    IndexRoot.objects.exclude(pk=first.pk).update(retired_at=timezone.now(), wrapped=None)
    IndexRoot.objects.filter(generation=7).update(retired_at=long_ago)
    seal_generations()
    assert reindex(wait=0).destroyed == [1]
    assert generations("testapp_patient", "record_no") == {7}
    assert reindex(wait=0).destroyed == [7]
    assert generations("testapp_patient", "record_no") == {2}
    assert store.verify().ok


def test_columns_that_no_model_has_are_not_passed_over(half_way: None) -> None:
    IndexColumn.objects.filter(field="email").update(entity="gone")
    with pytest.raises(ReindexRefused, match=r"gone\.email"):
        reindex(wait=0)


@ON_DISK
def test_rows_in_others_hands_are_waited_for_and_then_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    populate(2)
    tries = []

    def busy(*arguments: Any) -> None:
        tries.append(arguments)
        raise OperationalError("lock timeout")

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_values", busy)
        with pytest.raises(ReindexRefused, match="lock timeout"):
            reindex(wait=0, patience=0.3, columns=columns("patient.record_no"))
    assert len(tries) > 1
    assert reindex(wait=0).destroyed == [1]
