"""``QuerySet.create()`` of a model that nobody watches: the instance and its row, made directly.

Django makes an instance by a loop over its fields and then looks at each of its relations. Where
the model's classes leave ``__init__`` and ``save`` as they are and nobody changes an instance on
its way, all of that comes to what is done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connections, router
from django.db.models import DEFERRED, BinaryField, Field, ForeignKey, Model
from django.db.models.base import ModelState
from django.db.models.fields.files import FileDescriptor
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, post_save, pre_init, pre_save
from django.db.models.utils import AltersData

from .binding import Binding, binding_of
from .insert import insert_objects
from .saving_plan import saving_plan

_PLAIN_MODULES = (f"{__package__}.model", "django.contrib.auth.base_user")
# A field of a project's own may make another value each time.
_KNOWN_DEFAULTS = (Field.get_default, BinaryField.get_default, ForeignKey.get_default)
_PLAIN = "sealed_creates_plainly"
_MADE = object()
# Of these classes only: others may make another value of what an attribute is set to.
_DESCRIPTORS = (DeferredAttribute, ForeignKeyDeferredAttribute, FileDescriptor)
_DJANGOS = (Model, AltersData, object)
# What Django calls for a new instance, and a class may have made its own.
_STEPS = (
    "__new__",
    "__init__",
    "__setattr__",
    "save_base",
    "_prepare_related_fields_for_save",
    "_save_parents",
    "_save_table",
    "_do_insert",
)

Save = Callable[..., None]


def creates_plainly(save: Save) -> Save:
    """Say of a model's ``save()``: of a new instance it does nothing more than Django's own.

    A decorator. Without it ``create()`` calls every ``save()`` that a class has made its own.
    """
    setattr(save, _PLAIN, True)
    return save


@dataclass(frozen=True, slots=True)
class _Plan:
    """How instances of a class are made.

    Attributes:
        binding: the class's.
        steps: what Django would call, as it was when it was looked at.
        fields: per field: its name, its attname, itself, the default that it had then, and what
            that comes to; _MADE if it has to be made for each instance.
        targets: name of a foreign key to the class whose instances it takes, and the attname of
            their key.
        attnames: name of a foreign key to its own attname.
        names: everything that may be given.
    """

    binding: Binding
    steps: tuple[Any, ...]
    fields: tuple[tuple[str, str, Any, Any, Any], ...]
    targets: dict[str, tuple[Any, str]]
    attnames: dict[str, str]
    names: frozenset[str]


@lru_cache(maxsize=1024)
def _plan(cls: Any) -> _Plan | None:
    binding = binding_of(cls)
    if binding is None or cls._meta.parents or cls._meta.proxy or not _is_plain(cls):
        return None
    how = saving_plan(binding)
    if not (how.is_ordinary and how.makes_keys):
        return None
    fields, targets = [], {}
    for field in how.fields:
        if field.has_db_default() or type(getattr(cls, field.attname, None)) not in _DESCRIPTORS:
            return None
        if field.is_relation:
            if type(field) is not ForeignKey or not field.target_field.primary_key:
                return None
            target = field.remote_field.model
            targets[field.name] = (target, target._meta.pk.attname)
        fields.append((field.name, field.attname, field, field.default, _constant_default(field)))
    names = {name for name, *_ in fields} | {attname for _, attname, *_ in fields}
    attnames = {name: attname for name, attname, *_ in fields if name in targets}
    return _Plan(binding, _steps(cls), tuple(fields), targets, attnames, frozenset(names))


def _is_plain(cls: Any) -> bool:
    """Whether all that Django calls to make and save an instance is Django's, or ours."""
    for base in cls.__mro__:
        if base in _DJANGOS or base.__module__ in _PLAIN_MODULES:
            continue
        if any(step in base.__dict__ for step in _STEPS):
            return False
        save = base.__dict__.get("save")
        if save is not None and not hasattr(save, _PLAIN):
            return False
    return True


def _steps(cls: Any) -> tuple[Any, ...]:
    """What is called, so that something else that was put in its place is noticed."""
    return (
        cls.save,
        cls.save_base,
        cls.__init__,
        cls.__setattr__,
        Model.__init__,
        Model.save,
        Model.save_base,
    )


def _constant_default(field: Any) -> Any:
    """A field's default, or that it has to be made for each instance."""
    if type(field).get_default in _KNOWN_DEFAULTS and not (
        field.has_default() and callable(field.default)
    ):
        value = field.get_default()
        if value is None or isinstance(value, str | int | float | bytes):
            return value
    return _MADE


def new_instance(cls: Any, alias: str, values: dict[str, Any]) -> Any | None:
    """What ``cls(**values)`` comes to in the usual cases, for a row that is about to be created.

    Args:
        cls: the model class.
        alias: of the database that the row is meant for.
        values: field names or attnames, with the values of a new instance.

    Returns:
        The instance; None where the class has to make it.
    """
    plan = _plan(cls)
    if (
        plan is None
        or not plan.names >= values.keys()
        or plan.steps != _steps(cls)
        or (pre_init.receivers and pre_init.has_listeners(cls))
        or (post_init.receivers and post_init.has_listeners(cls))
    ):
        return None
    related = _keys_of_related(plan, alias, values)
    if related is None:
        return None
    instance = cls.__new__(cls)
    attributes = instance.__dict__
    state: Any = ModelState()
    attributes["_state"] = state
    for name, attname, field, declared, default in plan.fields:
        if name in related:
            attributes[attname] = related[name]
            state.fields_cache[name] = values[name]
        elif attname in values:
            attributes[attname] = values[attname]
        elif name in values:
            attributes[attname] = values[name]
        else:
            # It may have another default by now.
            is_constant = default is not _MADE and field.default is declared
            attributes[attname] = default if is_constant else field.get_default()
    return instance


def create_shortly(cls: Any, alias: str, values: dict[str, Any]) -> Any | None:
    """What ``cls.objects.create(**values)`` comes to in the usual cases.

    Args:
        cls: the model class.
        alias: database alias.
        values: field names or attnames, with the values of a new instance.

    Returns:
        The instance; None where nothing was done, for Django to do it.
    """
    plan = _plan(cls)
    if plan is None:
        return None
    if pre_save.receivers and pre_save.has_listeners(cls):
        return None
    instance = new_instance(cls, alias, values)
    if instance is None:
        return None
    connection = connections[alias]
    key = plan.binding.pk
    if instance.__dict__[key.attname] is None:
        instance.__dict__[key.attname] = key.get_pk_value_on_save(instance)
    try:
        insert_objects(plan.binding, alias, [instance], saving_plan(plan.binding).fields, raw=False)
    except BaseException as error:
        # As Django's save_base(): what the block wrote so far may be half of something.
        if connection.in_atomic_block:
            connection.needs_rollback = True
            connection.rollback_exc = error  # type: ignore[attr-defined]  # not in the stubs
        raise
    state = instance._state
    state.adding = False
    state.db = alias
    if post_save.receivers:
        post_save.send(
            sender=cls, instance=instance, created=True, update_fields=None, raw=False, using=alias
        )
    return instance


def _keys_of_related(plan: _Plan, alias: str, values: dict[str, Any]) -> dict[str, Any] | None:
    """By name of the foreign key, the keys of given instances; None: Django has to look at one."""
    found: dict[str, Any] = {}
    for value in values.values():
        if value is DEFERRED:
            return None
    for name, (target, key) in plan.targets.items():
        if name not in values:
            continue
        given = values[name]
        if plan.attnames[name] in values:
            return None
        found[name] = None
        if given is None:
            continue
        if type(given) is not target or given._state.db != alias or given._state.adding:
            return None
        if any(hasattr(each, "allow_relation") for each in router.routers):
            return None
        found[name] = given.__dict__.get(key)
        if found[name] is None:
            return None
    return found
