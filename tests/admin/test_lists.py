"""Lists: columns, order, filters, pages, search."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jazzauth.admin import CappedPaginator
from django_jazzauth.store import trigram_filling
from tests.testapp.models import Patient, Ward

from .conftest import told, usernames

pytestmark = pytest.mark.django_db

USERS = "/admin/django_jazzauth/user/"


@pytest.fixture
def many(root: Any) -> list[Any]:
    """Twelve users, the newest last; root is the newest of all."""
    model = get_user_model()
    start = timezone.now() - datetime.timedelta(days=30)
    return list(
        model.objects.bulk_create(
            model(
                username=f"user{number:02}",
                email=f"user{number:02}@example.org",
                name=f"Name Number {number:02}",
                date_joined=start + datetime.timedelta(days=number),
                is_staff=number % 3 == 0,
            )
            for number in range(12)
        )
    )


def test_columns_and_order(page: Client, many: list[Any]) -> None:
    answer = page.get(USERS)
    assert answer.status_code == 200
    assert usernames(answer) == ["root", *(f"user{number:02}" for number in range(11, -1, -1))]
    text = answer.content.decode()
    for shown in ("user03@example.org", "Name Number 03", "column-email_verified"):
        assert shown in text


def test_the_list_orders_by_plain_columns_and_reads_one_page(
    page: Client, many: list[Any], monkeypatch: Any
) -> None:
    from django_jazzauth.admin import UserAdmin

    monkeypatch.setattr(UserAdmin, "list_per_page", 5)
    with CaptureQueriesContext(connection) as queries:
        assert len(usernames(page.get(f"{USERS}?p=2"))) == 5
    # Not the ORDER BY within what asks for the newest version of a row in the log.
    parts = [q["sql"].rpartition("ORDER BY") for q in queries if "jazzauth_user" in q["sql"]]
    (order,) = (order for _, found, order in parts if found and " THEN " not in order)
    assert "date_joined" in order
    assert "LIMIT 5" in order


def test_filters_by_plain_booleans(page: Client, many: list[Any]) -> None:
    assert set(usernames(page.get(f"{USERS}?is_staff__exact=1"))) == {
        "root",
        "user00",
        "user03",
        "user06",
        "user09",
    }
    assert usernames(page.get(f"{USERS}?is_staff__exact=1&is_superuser__exact=1")) == ["root"]
    assert usernames(page.get(f"{USERS}?email_verified__exact=1")) == []


def test_few_matches_are_settled_before_they_are_sorted(page: Client, many: list[Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert len(usernames(page.get(f"{USERS}?is_staff__exact=1"))) == 5
    (listing,) = (q["sql"] for q in queries if "date_joined" in q["sql"].rpartition("ORDER BY")[2])
    assert " IN (" in listing


@pytest.mark.parametrize(
    "typed", ["user07@example.org", "USER07@Example.ORG", "user07", " user07 "]
)
def test_whole_texts_are_found_by_index(
    page: Client, many: list[Any], typed: str, caplog: Any
) -> None:
    assert usernames(page.get(USERS, {"q": typed})) == ["user07"]
    assert "opened" not in caplog.text


def test_ids_are_found(page: Client, many: list[Any]) -> None:
    assert usernames(page.get(USERS, {"q": str(many[4].pk)})) == ["user04"]
    assert usernames(page.get(USERS, {"q": many[4].pk.hex})) == ["user04"]


@pytest.mark.parametrize("typed", ["user0", "Number", "%", "'", '"', "\\", "ß" * 500, "scan", ":"])
def test_parts_are_not_found_unless_asked_for(
    page: Client, many: list[Any], typed: str, caplog: Any
) -> None:
    answer = page.get(USERS, {"q": typed})
    assert answer.status_code == 200
    assert usernames(answer) == []
    assert "opened" not in caplog.text


def test_the_box_says_how_to_search(page: Client) -> None:
    assert "“scan:" in page.get(USERS).content.decode()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("scan: user0", 10),
        ("scan:NUMBER 1", 3),
        ("SCAN: example.org", 13),
        ('scan: "Number 1"', 2),
        ("scan: nothing", 0),
        ("scan:", 13),
    ],
)
def test_a_scan_finds_parts(
    page: Client, many: list[Any], typed: str, found: int, caplog: Any
) -> None:
    assert len(usernames(page.get(USERS, {"q": typed}))) == found
    assert "opened 13 heads" in caplog.text
    assert "user0" not in caplog.text


def test_a_scan_of_too_many_rows_is_refused_with_a_message(
    page: Client, many: list[Any], settings: Any
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMIT": 5}
    answer = page.get(USERS, {"q": "scan: user0"})
    assert answer.status_code == 200
    assert usernames(answer) == []
    assert "more than 5 rows" in told(answer)
    assert "SCAN_REFUSED" in told(answer)
    # filtered first, it is few enough
    answer = page.get(USERS, {"q": "scan: user0", "is_staff__exact": "1"})
    assert len(usernames(answer)) == 4


def test_an_order_by_a_sealed_column_works_while_it_is_small(page: Client, many: list[Any]) -> None:
    assert usernames(page.get(f"{USERS}?o=1"))[:3] == ["root", "user00", "user01"]
    assert usernames(page.get(f"{USERS}?o=-1"))[:2] == ["user11", "user10"]


def test_an_order_by_a_sealed_column_is_refused_when_it_is_large(
    page: Client, many: list[Any], settings: Any
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "ORDER_LIMIT": 5}
    answer = page.get(f"{USERS}?o=1")
    assert answer.status_code == 200
    assert len(usernames(answer)) == 13
    assert "Order by a plain column" in told(answer)


def test_a_lookup_in_the_address_that_would_scan_too_much_is_refused(
    page: Client, many: list[Any], settings: Any
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMIT": 5}
    answer = page.get(f"{USERS}?email__icontains=user")
    assert answer.status_code == 200
    assert usernames(answer) == []
    assert "SCAN_REFUSED" in told(answer)


@pytest.mark.parametrize(
    "lookup",
    [
        "user/?password__startswith=a",
        "session/?token__startswith=a",
        "session/?data__contains=a",
        "session/?user__password__contains=a",
        "account/?access_token__contains=a",
        "account/?user__password__contains=a",
        "verification/?value__contains=a",
        "verification/?identifier=a",
    ],
)
def test_secrets_cannot_be_filtered_by(page: Client, lookup: str) -> None:
    assert page.get(f"/admin/django_jazzauth/{lookup}").status_code == 400


def test_declared_secrets_cannot_be_filtered_or_scanned(page: Client) -> None:
    Patient.objects.create(record_no="7", notes="very private")
    assert page.get("/admin/testapp/patient/?notes__contains=v").status_code == 400
    answer = page.get("/admin/testapp/patient/", {"q": "scan: private"})
    assert not answer.context["cl"].result_list


def test_a_page_that_is_not_there_is_no_server_error(page: Client, many: list[Any]) -> None:
    for query in ("p=99", "p=x", "o=77", "o=x", "id__exact=x", "nothing=1", "all="):
        assert page.get(f"{USERS}?{query}", follow=True).status_code == 200


def test_counting_stops_at_the_limit(page: Client, many: list[Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(CappedPaginator, "limit", 5)
    with CaptureQueriesContext(connection) as queries:
        answer = page.get(USERS)
    assert answer.context["cl"].result_count == 5
    assert "more than 5" in answer.content.decode()
    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "jazzauth_user" in q["sql"]]
    assert counts
    assert all("LIMIT 6" in sql for sql in counts)
    assert "more than" not in page.get(f"{USERS}?is_superuser__exact=1").content.decode()


def test_thousands_are_separated_as_the_site_likes(
    page: Client, many: list[Any], monkeypatch: Any, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    monkeypatch.setattr(CappedPaginator, "limit", 5)
    assert page.get(USERS).status_code == 200


def test_an_action_on_all_of_too_many_is_refused(
    page: Client, many: list[Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr(CappedPaginator, "limit", 5)
    data = {
        "action": "delete_selected",
        "select_across": "1",
        "_selected_action": [str(many[0].pk)],
        "post": "yes",
    }
    answer = page.post(USERS, data, follow=True)
    assert "too many" in told(answer)
    assert get_user_model().objects.count() == 13


def test_the_paginator_counts_lists_too() -> None:
    assert CappedPaginator([1, 2, 3], 2).count == 3
    assert CappedPaginator(get_user_model().objects.order_by("pk")[:0], 2).count == 0


def test_a_third_party_model_is_searched_through_its_relations(page: Client, ana: Any) -> None:
    ward = Ward.objects.create(name="North", beds=4)
    Patient.objects.create(
        record_no="R-1", name="Meier", email="m@example.org", owner=ana, ward=ward
    )
    Patient.objects.create(record_no="R-2", name="Huber")
    url = "/admin/testapp/patient/"

    def found(typed: str) -> set[str]:
        return {p.record_no for p in page.get(url, {"q": typed}).context["cl"].result_list}

    assert found("R-2") == {"R-2"}
    assert found("ANA@example.org") == {"R-1"}
    assert found("M@EXAMPLE.ORG R-1") == {"R-1"}
    assert found("Huber") == set()
    assert found("scan: hub") == {"R-2"}
    assert found("scan: ana@") == {"R-1"}
    wards = page.get("/admin/testapp/ward/", {"q": "NORTH"}).context["cl"].result_list
    assert [one.name for one in wards] == ["North"]


def test_references_to_sealed_models_are_typed_in(page: Client, ana: Any) -> None:
    ward = Ward.objects.create(name="North", beds=4)
    patient = Patient.objects.create(record_no="R-1", owner=ana, ward=ward)
    text = page.get(f"/admin/testapp/patient/{patient.pk}/change/").content.decode()
    assert "vForeignKeyRawIdAdminField" in text
    assert "admin-autocomplete" in text
    assert '<option value="">---------' not in text


def test_autocomplete_finds_by_index_and_refuses_without_a_server_error(
    page: Client, settings: Any
) -> None:
    Ward.objects.create(name="North")
    Ward.objects.create(name="Norway")
    query = {"app_label": "testapp", "model_name": "patient", "field_name": "ward"}
    answer = page.get("/admin/autocomplete/", {**query, "term": "north"})
    assert len(answer.json()["results"]) == 1
    assert len(page.get("/admin/autocomplete/", {**query, "term": ""}).json()["results"]) == 2
    assert (
        len(page.get("/admin/autocomplete/", {**query, "term": "scan:nor"}).json()["results"]) == 2
    )
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMIT": 1}
    assert page.get("/admin/autocomplete/", {**query, "term": "scan:nor"}).json()["results"] == []


def test_values_are_edited_in_the_list(page: Client) -> None:
    ward = Ward.objects.create(name="North", beds=4)
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(ward.pk),
        "form-0-beds": "9",
        "_save": "Save",
    }
    assert page.post("/admin/testapp/ward/", data).status_code == 302
    ward.refresh_from_db()
    assert ward.beds == 9


def test_parts_are_found_by_the_trigram_index(
    page: Client, many: list[Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fields = ("email", "name", "username")
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"user": fields}, "SCAN_LIMIT": 12}
    assert usernames(page.get(f"{USERS}?q=umber 03")) == []  # not complete yet
    trigram_filling.refresh("default")
    answer = page.get(f"{USERS}?q=umber 03")
    assert usernames(answer) == ["user03"]
    assert "Finds parts of" in answer.content.decode()
    assert usernames(page.get(f"{USERS}?q=SER07@ex")) == ["user07"]
    assert usernames(page.get(f"{USERS}?q=nobody")) == []
    assert not [record for record in caplog.records if "opened" in record.getMessage()]
    assert usernames(page.get(f"{USERS}?q=example")) == []
    assert "More than 12 entities may contain that text" in told(page.get(f"{USERS}?q=example"))
    answer = page.get("/admin/django_jazzauth/session/?q=root@exam")
    (listed,) = answer.context["cl"].result_list
    assert listed.user.username == "root"
