"""Who asks for a sealed field that a subquery selects, and whether the answer can be true."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Count, Subquery
from django.db.models.expressions import Col
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLAggregateCompiler

from .evaluate import names_in

# As many calls as lie between a selected column and what asks for it, and some more.
_DEPTH = 24


def refuse_wrong_askers(col: Any) -> None:
    """Refuse what a query of a plain model is asked for, if it would compute with ciphertext.

    Django tells such a query, and its compiler, nothing about the one around it; so who that is
    can only be seen from the calls that lead here.

    Args:
        col: the reference that is being compiled, as a selected column.

    Raises:
        FieldError: the query is a part of a combined one, whose rows would be converted as the
            first part's columns, or a subquery that is not just returned.
    """
    frame: Any = sys._getframe(1)
    for _ in range(_DEPTH):
        own = frame.f_locals.get("self")
        name = frame.f_code.co_name
        if frame.f_back is None or name == "execute_sql":
            return
        if name == "get_combinator_sql":
            raise FieldError(
                f"{col.target} is sealed: a combined query can combine it only with itself, and "
                "compare it only where it is searchable."
            )
        if name == "as_sql" and isinstance(own, SQLAggregateCompiler):
            for annotation in own.query.annotation_select.values():
                if not (isinstance(annotation, Count) and "*" in str(annotation)):
                    raise _computing(col)
            return
        if name == "as_sql" and isinstance(own, Query):
            refuse_computing(own, col, frame.f_locals["compiler"])
            return
        frame = frame.f_back


def refuse_computing(query: Any, col: Any, compiler: Any) -> None:
    """Refuse a query around that does more with a value that a subquery selects than return it.

    Args:
        query: the subquery.
        col: the reference that it selects.
        compiler: of the query around.
    """
    if getattr(query, "compared", False):
        return
    if getattr(compiler, "select", None) is not None:
        raise FieldError(
            f"{col.target} is sealed: what a subquery selects of it can be compared only with the "
            "same field. Fetch the values first."
        )
    outer = getattr(compiler, "query", None)
    if outer is None:
        return
    annotations = outer.annotation_select
    name = next((name for name, a in annotations.items() if _query_of(a) is query), None)
    if name is None or outer.subquery or any(_holds(a, query) for a in annotations.values()):
        raise _computing(col)
    ordering = outer.extra_order_by or outer.order_by
    if name in {n.lstrip("-").split("__")[0] for item in ordering for n in _names(item)}:
        raise FieldError(
            f"{col.target} is sealed: rows cannot be ordered by what a subquery selects of it "
            f"({name}). Sort in Python, or order by the relation's field."
        )
    if not col.target.searchable and (outer.distinct or _groups_without_key(outer)):
        raise FieldError(
            f"Comparing what a subquery selects of {col.target} needs the field to be searchable: "
            "only then do equal values have equal columns."
        )


def _computing(col: Any) -> FieldError:
    return FieldError(
        f"{col.target} is sealed: a query can return what a subquery selects of it, but not "
        "compute with it. Annotate with the Subquery alone, and compute on the opened values in "
        "Python."
    )


def _query_of(annotation: Any) -> Any:
    if isinstance(annotation, Query):  # from Django 6.1 on
        return annotation
    # Exists() asks nothing of the value, so it is no Subquery here.
    return annotation.query if type(annotation) is Subquery else None


def _holds(expression: Any, query: Any) -> bool:
    """Whether an expression computes with what a subquery gives."""
    if _query_of(expression) is query or not hasattr(expression, "get_source_expressions"):
        return False
    return any(
        _query_of(part) is query or _holds(part, query)
        for part in expression.get_source_expressions()
        if part is not None
    )


def _names(item: Any) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    else:
        yield from names_in(item)


def _groups_without_key(query: Any) -> bool:
    return isinstance(query.group_by, tuple | list) and not any(
        isinstance(part, Col) and part.target.primary_key for part in query.group_by
    )
