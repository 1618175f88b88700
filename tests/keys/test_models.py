import pytest
from django.db import IntegrityError, connection, models, transaction

from django_jazzauth.keys.fields import ExactCharField
from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexColumn, IndexRoot, Worker
from django_jazzauth.keys.sql import as_id, chunks


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Worker, "jazzauth_worker"),
        (Epoch, "jazzauth_epoch"),
        (Grant, "jazzauth_grant"),
        (IndexRoot, "jazzauth_index_root"),
        (IndexColumn, "jazzauth_index_column"),
        (DataKey, "jazzauth_data_key"),
    ],
)
def test_tables_and_app(model, table):
    assert model._meta.db_table == table
    assert model._meta.app_label == "django_jazzauth"


def test_texts_for_people(ring):
    ring.data_key("user/1")
    worker, epoch, key = Worker.objects.get(), Epoch.objects.get(), DataKey.objects.get()
    assert str(worker) == f"first ({worker.id})"
    assert str(Worker(id="w_1")) == "w_1"
    assert str(epoch) == "epoch 1"
    assert str(Grant.objects.get()) == f"{epoch.id} to {worker.id}"
    assert str(IndexRoot.objects.get()) == "generation 1"
    assert str(IndexColumn(entity="user", field="email:folded")) == "user.email:folded"
    assert str(key) == f"data key {key.id}"


def test_the_database_keeps_subjects_apart(ring):
    ring.data_key("user/1")
    epoch = Epoch.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        DataKey.objects.create(subject="user/1", epoch=epoch)
    DataKey.objects.create(subject="USER/1", epoch=epoch)
    DataKey.objects.create(subject="user/1 ", epoch=epoch)
    assert DataKey.objects.get(subject="user/1").wrapped is not None
    DataKey.objects.create(subject=None, epoch=epoch)
    DataKey.objects.create(subject=None, epoch=epoch)


def test_an_epoch_is_granted_to_a_worker_once(ring):
    ring.current()
    grant = Grant.objects.get()
    grant.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        grant.save(force_insert=True)


@pytest.mark.parametrize(
    ("mariadb", "collation"), [(True, "utf8mb4_nopad_bin"), (False, "utf8mb4_0900_bin")]
)
def test_the_collation_compares_bytes(mariadb, collation, monkeypatch):
    field = ExactCharField(max_length=255)
    plain = models.CharField(max_length=255).db_type(connection)
    if connection.vendor != "mysql":
        assert field.db_type(connection) == plain
    monkeypatch.setattr(connection, "vendor", "mysql")
    monkeypatch.setattr(connection, "mysql_is_mariadb", mariadb, raising=False)
    assert field.db_type(connection) == f"{plain} CHARACTER SET utf8mb4 COLLATE {collation}"


def test_the_field_is_known_to_migrations():
    field = ExactCharField(max_length=9, null=True)
    _, path, _, options = field.deconstruct()
    assert path == "django_jazzauth.keys.fields.ExactCharField"
    assert options == {"max_length": 9, "null": True}


def test_ids_of_every_database():
    text = "00010203-0405-4607-8809-0a0b0c0d0e0f"
    assert as_id(text) == as_id(text.replace("-", "")) == bytes.fromhex(text.replace("-", ""))


@pytest.mark.parametrize("each", [1, 3])
def test_chunks_lose_nothing(each):
    items = list(range(1234))
    parts = list(chunks(items, each))
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) * each <= 499
    assert list(chunks([], each)) == []
