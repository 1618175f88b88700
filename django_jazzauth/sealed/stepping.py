"""States brought from one schema to the next, and back while a migration is undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import OneWayLens, StateOutdated
from ..store.sealing import Head
from .head_field import Upcaster
from .lenses import Lens


def stepped(entity: str, schema: int, step: Upcaster, state: dict[str, Any]) -> dict[str, Any]:
    """A state after an upcaster, or after a lens on its way back.

    Args:
        entity: whose state it is.
        schema: number of the upcaster.
        step: what is done.
        state: is not changed.

    Raises:
        StateOutdated: it fails on the state.
        OneWayLens: it has no way back.
    """
    try:
        return step(dict(state))
    except OneWayLens:
        raise
    except Exception as error:
        # Without the cause: its text, and so a traceback, would show a value of the state.
        kind = type(error).__name__
    raise StateOutdated(entity, f"upcasters[{schema}] fails on a state, with {kind}")


def downcast(entity: str, head: Head, schema: int, upcasters: Mapping[int, Any]) -> Head:
    """Bring a state of a newer schema back, while the migration to that schema is undone.

    Args:
        entity: whose state it is.
        head: the head with the state.
        schema: the one to go back to.
        upcasters: of the newer model; those that are lenses lead back.

    Raises:
        StateOutdated: one of them is no lens, or fails.
        OneWayLens: one of them has no way back.
    """
    state = head.state
    for number in range(head.schema - 1, schema - 1, -1):
        lens = upcasters.get(number)
        if not isinstance(lens, Lens):
            raise StateOutdated(
                entity,
                f"its state has schema {number + 1}, and upcasters[{number}] leads forwards only; "
                "only lenses lead back",
            )
        state = stepped(entity, number, lens.back, state)
    return Head(head.version, schema, head.digest, head.recorded_at, state)
