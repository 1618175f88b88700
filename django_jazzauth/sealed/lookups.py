"""Lookups on sealed fields: from an index where there is one, otherwise by a scan."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet, FieldError
from django.db import models
from django.db.models import Value
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, IExact, In, IsNull, Lookup
from django.db.models.sql import Query

from .binding import Opened, require_binding
from .codec import field_codec_of
from .col import SealedCol
from .evaluate import evaluate
from .fields import SealedFieldMixin
from .matching import LOOKUPS, match
from .projection import pk_param
from .scan import rows_for_query, rows_that_may_match


def _is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression") and not isinstance(value, Value)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Value) else value


def _sealed_lhs(lookup: Any) -> SealedCol:
    if not isinstance(lookup.lhs, SealedCol):
        raise FieldError(
            f"{lookup.lookup_name} on {type(lookup.lhs).__name__} over {lookup.lhs.output_field} "
            "cannot be answered: the field is sealed. Look up the field itself."
        )
    return lookup.lhs


def _leads_to(node: Any, lookup: Any) -> bool:
    """Whether a lookup is one of the conditions of a WHERE or HAVING."""
    return node is lookup or any(_leads_to(c, lookup) for c in getattr(node, "children", ()))


def _in_list(column: str, values: list[Any]) -> tuple[str, list[Any]]:
    if not values:
        raise EmptyResultSet
    if len(values) == 1:
        return f"{column} = %s", values
    return f"{column} IN ({', '.join(['%s'] * len(values))})", values


class _SealedLookup(Lookup):
    """Base of lookups that find their own SQL."""

    prepare_rhs = False

    def scan(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Open the heads and name the rows that match."""
        col = _sealed_lhs(self)
        field = col.target
        binding = require_binding(field.model)
        name = str(self.lookup_name)
        if isinstance(field, models.JSONField) and name not in ("exact", "in"):
            raise FieldError(f"{field} is sealed: the inside of its JSON cannot be queried.")
        wanted = self._wanted(col)
        keys = []
        for pk, opened in self._rows(compiler, field, name, wanted):
            values = binding.values(opened.head.state)
            right = wanted(values) if callable(wanted) else wanted
            if values[field.attname] is not None and match(name, values[field.attname], right):
                keys.append(pk_param(binding, connection, pk))
        column = col._quoted(compiler, binding.pk.column)
        if connection.vendor == "mysql" and _leads_to(getattr(compiler, "having", None), self):
            # MariaDB finds other rows when HAVING compares a native UUID; as text it does not.
            return _in_list(f"CAST({column} AS CHAR)", [str(key) for key in keys])
        return _in_list(column, keys)

    def _rows(self, compiler: Any, field: Any, name: str, wanted: Any) -> list[tuple[Any, Opened]]:
        if isinstance(wanted, str):
            alternatives = [[(field.name, name, wanted)]]
            rows = rows_that_may_match(field.model, compiler.connection.alias, alternatives)
            if rows is not None:
                return rows
        return rows_for_query(compiler, field, name)

    def _wanted(self, col: SealedCol) -> Any:
        """What opened values are compared with, or a function of the row's values that tells."""
        if self.lookup_name in ("in", "range"):
            parts = [self._operand(col, value) for value in self.rhs]
            if any(callable(part) for part in parts):
                return lambda values: [p(values) if callable(p) else p for p in parts]
            return parts
        return self._operand(col, self.rhs)

    def _operand(self, col: SealedCol, rhs: Any) -> Any:
        rhs = _plain(rhs)
        if not _is_expression(rhs):
            return _prepared(col.target, rhs) if self.lookup_name in _TYPED else rhs
        leaves = [part for part in rhs.flatten() if isinstance(part, Col)]
        same_row = all(
            leaf.alias == col.alias and leaf.target.model == col.target.model for leaf in leaves
        )
        if leaves and same_row:
            # Of the same row: both sides are evaluated on what its head holds.
            attnames = {leaf.target.name: leaf.target.attname for leaf in leaves}
            return lambda values: evaluate(rhs, lambda name: values[attnames[name]])
        raise FieldError(
            f"{col.target} is sealed and cannot be compared with {type(rhs).__name__} in SQL. "
            "Fetch the values first and pass them in."
        )


_TYPED = ("exact", "gt", "gte", "lt", "lte", "in", "range")


def _prepared(field: Any, value: Any) -> Any:
    """A value in the type in which opened values are."""
    codec = field_codec_of(field)
    try:
        primitive = codec.encode(value)
    except ValueError:
        return value  # cannot be stored, so it equals nothing that is
    return None if primitive is None else codec.decode(primitive)


def _ciphertexts(field: Any, alias: str, value: Any) -> list[bytes]:
    try:
        primitive = field_codec_of(field).encode(value)
    except ValueError:
        primitive = value
    return [] if primitive is None else field.column_values(primitive, alias)


class SealedExact(_SealedLookup, Exact):
    """``exact``: equal ciphertext for a searchable field, a scan otherwise."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        col = _sealed_lhs(self)
        rhs = _plain(self.rhs)
        if not col.target.searchable:
            return self.scan(compiler, connection)
        column, _ = col.column_sql(compiler)
        if isinstance(rhs, SealedCol) and rhs.target is col.target:
            return f"{column} = {rhs.column_sql(compiler)[0]}", []
        if isinstance(rhs, Query) or hasattr(rhs, "query"):
            sql, params = _subquery(rhs, col, compiler, connection)
            return f"{column} = {sql}", params
        if _is_expression(rhs):
            return self.scan(compiler, connection)
        values = _ciphertexts(col.target, compiler.connection.alias, rhs)
        return _in_list(column, list(values))


class SealedIn(_SealedLookup, In):
    """``in``: equal ciphertexts for a searchable field, a scan otherwise."""

    def get_prep_lookup(self) -> Any:
        if isinstance(self.rhs, Query):
            self.rhs.clear_ordering(clear_default=True)
            if not self.rhs.has_select_fields:
                self.rhs.clear_select_clause()
                self.rhs.add_fields(["pk"])
        return self.rhs

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        col = _sealed_lhs(self)
        if isinstance(self.rhs, Query):
            if _selects(self.rhs, col.target) and col.target.searchable and not _ordered(self.rhs):
                column, _ = col.column_sql(compiler)
                sql, params = _compile_compared(compiler, self.rhs, self.rhs)
                return f"{column} IN {sql}", params
            self.rhs = _results(self.rhs, compiler.connection.alias)
        if not col.target.searchable:
            return self.scan(compiler, connection)
        column, _ = col.column_sql(compiler)
        values: dict[bytes, None] = {}
        for value in self.rhs:
            if _is_expression(value):
                return self.scan(compiler, connection)
            values.update(
                dict.fromkeys(_ciphertexts(col.target, compiler.connection.alias, _plain(value)))
            )
        return _in_list(column, list(values))


class SealedIsNull(IsNull):
    """``isnull``: every sealed column tells whether there is a value."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.rhs, bool):
            raise ValueError("The QuerySet value for an isnull lookup must be True or False.")
        column, params = _sealed_lhs(self).column_sql(compiler)
        return f"{column} IS {'' if self.rhs else 'NOT '}NULL", params


class SealedIExact(_SealedLookup, IExact):
    """``iexact``: the companion column if there is one, a scan otherwise."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        col = _sealed_lhs(self)
        rhs = _plain(self.rhs)
        if not col.target.casefold or _is_expression(rhs):
            return self.scan(compiler, connection)
        if rhs is None:
            return f"{col.column_sql(compiler)[0]} IS NULL", []
        if rhs == "":
            return _in_list(
                col.column_sql(compiler)[0],
                list(_ciphertexts(col.target, compiler.connection.alias, "")),
            )
        companion = col.target.companion
        column = col._quoted(compiler, companion.column)
        sql, params = _in_list(column, companion.column_values(rhs, compiler.connection.alias))
        # Empty text has no companion value; NOT must still be true for it.
        return f"({column} IS NOT NULL AND {sql})", params


def _scan_lookup(name: str) -> type[Lookup[Any]]:
    def as_sql(self: Any, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return self.scan(compiler, connection)  # type: ignore[no-any-return]

    scan_class = type(
        f"Scan{name.capitalize()}",
        (_SealedLookup,),
        {"__module__": __name__, "lookup_name": name, "as_sql": as_sql},
    )
    globals()[scan_class.__name__] = scan_class  # where pickled querysets look for it
    return scan_class


def _selects(query: Query, field: Any) -> bool:
    selected = [*query.select, *query.annotation_select.values()]
    return len(selected) == 1 and isinstance(selected[0], SealedCol) and selected[0].target is field


def _compile_compared(compiler: Any, expression: Any, query: Any) -> tuple[str, list[Any]]:
    """SQL of a subquery whose ciphertexts are compared with the same field's."""
    query.compared = True
    try:
        sql, params = compiler.compile(expression)
    finally:
        query.compared = False
    return sql, list(params)


def _ordered(query: Query) -> bool:
    # Which rows a slice keeps depends on the order of opened values.
    return bool(query.is_sliced and (query.order_by or query.get_meta().ordering))


def _results(query: Query, using: str) -> list[Any]:
    return [row[0] for row in query.get_compiler(using).results_iter()]


def _subquery(rhs: Any, col: SealedCol, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
    query = rhs if isinstance(rhs, Query) else rhs.query
    if _selects(query, col.target):
        sql, params = _compile_compared(compiler, rhs, query)
        return (sql if sql.startswith("(") else f"({sql})"), params
    raise FieldError(
        f"{col.target} is sealed: compare it with a subquery of the same field, or fetch the "
        "values first and pass them in."
    )


for lookup_class in (SealedExact, SealedIn, SealedIsNull, SealedIExact):
    SealedFieldMixin.register_lookup(lookup_class)
for lookup_name in LOOKUPS:
    if lookup_name not in ("exact", "in", "iexact"):
        SealedFieldMixin.register_lookup(_scan_lookup(lookup_name))
