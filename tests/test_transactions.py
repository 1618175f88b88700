"""Blocks that join one that is open, and settings that are kept: as Django's own behave."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import override_settings

from django_jazzauth.kept_settings import USE_TZ, KeptSetting
from django_jazzauth.transactions import one_transaction
from tests.testapp.models import Ward

database = pytest.mark.django_db(transaction=True)


@database
def test_the_outermost_block_is_a_transaction() -> None:
    with pytest.raises(RuntimeError), one_transaction(connections["default"]):
        assert connection.in_atomic_block
        Ward.objects.create(name="a")
        raise RuntimeError
    assert not connection.in_atomic_block
    assert not Ward.objects.exists()


@database
def test_an_error_in_a_joined_block_is_the_end_of_the_whole() -> None:
    with transaction.atomic():
        Ward.objects.create(name="a")
        with pytest.raises(RuntimeError), one_transaction(connections["default"]):
            raise RuntimeError
        assert connection.needs_rollback
        with pytest.raises(transaction.TransactionManagementError):
            Ward.objects.exists()
    assert not Ward.objects.exists()


@database
def test_a_joined_block_that_ends_well_ends_nothing() -> None:
    with transaction.atomic():
        with one_transaction(connections["default"]):
            Ward.objects.create(name="a")
        assert connection.in_atomic_block
        transaction.set_rollback(True)
    assert not Ward.objects.exists()


@database
def test_a_savepoint_around_a_joined_block_takes_it_back() -> None:
    with transaction.atomic():
        Ward.objects.create(name="kept")
        with (
            pytest.raises(RuntimeError),
            transaction.atomic(),
            one_transaction(connections["default"]),
        ):
            Ward.objects.create(name="gone")
            raise RuntimeError
    assert [ward.name for ward in Ward.objects.all()] == ["kept"]


def test_a_kept_setting_follows_its_overriding() -> None:
    before = USE_TZ.value
    with override_settings(USE_TZ=not before):
        assert USE_TZ.value is not before
    assert USE_TZ.value is before


def test_a_kept_setting_has_nothing_but_its_value(settings: Any) -> None:
    kept = KeptSetting("ROOT_URLCONF")
    assert kept.value == settings.ROOT_URLCONF
    with pytest.raises(AttributeError):
        kept.name  # noqa: B018 - it has none
