"""What is measured. The code is the same on both sides; only the models behind it differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import auth
from django.http import HttpRequest
from django.utils import timezone

from . import people
from .world import World

MANY = 500
PAGE = 100


@dataclass(frozen=True)
class Operation:
    """One thing to measure.

    Attributes:
        key: short name, for ``--only`` and the JSON.
        title: what the table calls it.
        prepare: makes the arguments of so many calls; not timed.
        call: what is timed.
        after: puts the database back, given the arguments and results; not timed.
        people: how many people the database needs for it.
        again: reads the working set, which is read once over before it is timed.
        first: each call reads as if for the first time: what was remembered is dropped before it.
        once: a single call is long enough to be a slice.
    """

    key: str
    title: str
    prepare: Callable[[World, int], Sequence[Any]]
    call: Callable[[World, Any], Any]
    after: Callable[[World, Sequence[Any], Sequence[Any]], None] | None = None
    people: int = 1
    again: bool = False
    first: bool = False
    once: bool = False


# -- reading --------------------------------------------------------------------------------------


def _known_ids(world: World, count: int) -> list[Any]:
    return [people.person_id(number) for number in world.regulars(count)]


def _any_ids(world: World, count: int) -> list[Any]:
    return [people.person_id(number) for number in world.anybody(count)]


def _known_emails(world: World, count: int) -> list[dict[str, str]]:
    return [{world.email_lookup: people.email(number)} for number in world.regulars(count)]


def _known_usernames(world: World, count: int) -> list[str]:
    return [people.username(number) for number in world.regulars(count)]


def _known_sessions(world: World, count: int) -> list[str]:
    return [people.session_key(number) for number in world.regulars(count)]


def _any_sessions(world: World, count: int) -> list[str]:
    return [people.session_key(number) for number in world.anybody(count)]


def _get_by_pk(world: World, pk: Any) -> Any:
    return world.user_model.objects.get(pk=pk)


def _get_by_email(world: World, lookup: dict[str, str]) -> Any:
    return world.user_model.objects.get(**lookup)


def _get_by_username(world: World, name: str) -> Any:
    return world.user_model.objects.get(username=name)


def _session_and_user(world: World, key: str) -> Any:
    if world.ours:
        return world.session_model.objects.select_related("user").get(token=key).user
    session = world.session_model.objects.get(session_key=key)
    return world.user_model.objects.get(pk=session.get_decoded()[auth.SESSION_KEY])


def _request_user(world: World, key: str) -> Any:
    request: Any = HttpRequest()
    request.session = world.store(key)
    user = auth.get_user(request)
    if not user.is_authenticated:
        raise RuntimeError("a session of the prepared database is not valid")
    return user


def _known_pages(world: World, count: int) -> list[Any]:
    return world.page_starts(count)


def _any_pages(world: World, count: int) -> list[Any]:
    return world.any_page_starts(count)


def _list(world: World, start: Any) -> list[Any]:
    return list(world.user_model.objects.filter(pk__gte=start).order_by("pk")[:PAGE])


# -- writing --------------------------------------------------------------------------------------


def _new_people(world: World, count: int) -> list[dict[str, Any]]:
    return [people.person(number) for number in world.newcomers(count)]


def _new_batches(world: World, count: int) -> list[list[Any]]:
    return [
        [world.user_model(**fields) for fields in _new_people(world, MANY)] for _ in range(count)
    ]


def _created(world: World, count: int) -> list[Any]:
    rows = [world.user_model(**fields) for fields in _new_people(world, count)]
    world.user_model.objects.bulk_create(rows)
    return [world.user_model.objects.get(pk=row.pk) for row in rows]


def _created_batches(world: World, count: int) -> list[list[Any]]:
    return [[user.pk for user in _created(world, MANY)] for _ in range(count)]


def _create(world: World, fields: dict[str, Any]) -> Any:
    return world.user_model.objects.create(**fields)


def _remove_created(world: World, arguments: Sequence[Any], results: Sequence[Any]) -> None:
    world.remove(results)


def _bulk_create(world: World, batch: list[Any]) -> Any:
    return world.user_model.objects.bulk_create(batch)


def _remove_batches(world: World, arguments: Sequence[Any], results: Sequence[Any]) -> None:
    for batch in results:
        world.remove(batch)


def _renamed(world: World, count: int) -> list[Any]:
    users = []
    for number in world.anybody(count):
        user = world.user_model.objects.get(pk=people.person_id(number))
        user.name = f"Renamed {world.serial()}"
        users.append(user)
    return users


def _save(world: World, user: Any) -> None:
    user.save()


def _save_one_field(world: World, user: Any) -> None:
    user.save(update_fields=["name"])


def _ids_and_names(world: World, count: int) -> list[tuple[Any, str]]:
    return [(pk, f"Updated {world.serial()}") for pk in _any_ids(world, count)]


def _update_one(world: World, change: tuple[Any, str]) -> None:
    pk, name = change
    if world.user_model.objects.filter(pk=pk).update(name=name) != 1:
        raise RuntimeError("a person of the prepared database is missing")


def _spans_and_names(world: World, count: int) -> list[tuple[tuple[Any, Any], str]]:
    return [(world.span(MANY), f"Updated {world.serial()}") for _ in range(count)]


def _update_many(world: World, change: tuple[tuple[Any, Any], str]) -> None:
    span, name = change
    if world.user_model.objects.filter(pk__range=span).update(name=name) != MANY:
        raise RuntimeError(f"the span does not hold {MANY} people")


def _renamed_batches(world: World, count: int) -> list[list[Any]]:
    return [_renamed(world, MANY) for _ in range(count)]


def _bulk_update(world: World, users: list[Any]) -> None:
    if world.user_model.objects.bulk_update(users, ["name"]) != MANY:
        raise RuntimeError("people of the prepared database are missing")


def _delete(world: World, user: Any) -> None:
    user.delete()


def _delete_many(world: World, pks: list[Any]) -> None:
    world.user_model.objects.filter(pk__in=pks).delete()


# -- sessions -------------------------------------------------------------------------------------


def _regular_users(world: World, count: int) -> list[Any]:
    return [world.user_model.objects.get(pk=pk) for pk in _known_ids(world, count)]


def _start_session(world: World, user: Any) -> str:
    store = world.store()
    store.update(world.session_data(user))
    store.create()
    return str(store.session_key)


def _end_started(world: World, arguments: Sequence[Any], results: Sequence[Any]) -> None:
    world.end_sessions(results)


def _session_rows(world: World, count: int) -> list[dict[str, Any]]:
    expires = timezone.now() + timedelta(weeks=2)
    return [
        world.session_fields(number, user, expires)
        for number, user in zip(world.newcomers(count), _regular_users(world, count), strict=True)
    ]


def _create_session_row(world: World, fields: dict[str, Any]) -> str:
    return str(world.session_model.objects.create(**fields).session_key)


def sign_in(world: World, user: Any) -> str:
    """What a sign-in writes: ``login()``, and the session as the middleware saves it."""
    request: Any = HttpRequest()
    request.META["REMOTE_ADDR"], request.META["HTTP_USER_AGENT"] = people.client(1)
    request.session = world.store()
    auth.login(request, user, backend=world.backend)
    request.session.save()
    return str(request.session.session_key)


def _started(world: World, count: int) -> list[str]:
    return [_start_session(world, user) for user in _regular_users(world, count)]


def _sign_out(world: World, key: str) -> None:
    store = world.store(key)
    store.get(auth.SESSION_KEY)
    store.flush()


OPERATIONS = (
    Operation("get_pk", "get by primary key", _known_ids, _get_by_pk, again=True),
    Operation("get_pk_first", "get by primary key, first read", _any_ids, _get_by_pk, first=True),
    Operation("get_email", "get by e-mail", _known_emails, _get_by_email, again=True),
    Operation("get_username", "get by username", _known_usernames, _get_by_username, again=True),
    Operation("session_user", "session and user", _known_sessions, _session_and_user, again=True),
    Operation(
        "session_user_first",
        "session and user, first read",
        _any_sessions,
        _session_and_user,
        first=True,
    ),
    Operation(
        "request_user",
        "request.user",
        _known_sessions,
        _request_user,
        again=True,
    ),
    Operation("list_100", "list of 100", _known_pages, _list, people=PAGE, again=True),
    Operation(
        "list_100_first", "list of 100, first read", _any_pages, _list, people=PAGE, first=True
    ),
    Operation("create", "create", _new_people, _create, _remove_created),
    Operation("save", "save", _renamed, _save),
    Operation("save_field", "save of one field", _renamed, _save_one_field),
    Operation("update_1", "update of 1 row", _ids_and_names, _update_one),
    Operation(
        "update_500", "update of 500 rows", _spans_and_names, _update_many, people=MANY, once=True
    ),
    Operation(
        "bulk_create_500",
        "bulk_create of 500",
        _new_batches,
        _bulk_create,
        _remove_batches,
        once=True,
    ),
    Operation(
        "bulk_update_500",
        "bulk_update of 500",
        _renamed_batches,
        _bulk_update,
        people=MANY,
        once=True,
    ),
    Operation("delete", "delete", _created, _delete),
    Operation("delete_500", "delete of 500 rows", _created_batches, _delete_many, once=True),
    Operation(
        "session_create", "session create, row", _session_rows, _create_session_row, _end_started
    ),
    Operation(
        "session_start", "session create, engine", _regular_users, _start_session, _end_started
    ),
    Operation("sign_in", "sign-in: login(), no hashing", _regular_users, sign_in, _end_started),
    Operation("sign_out", "sign-out: flush()", _started, _sign_out),
)
"""All operations, in the order of the table."""

BY_KEY = {operation.key: operation for operation in OPERATIONS}
