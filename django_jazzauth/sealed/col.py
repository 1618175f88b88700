"""How a sealed field's column takes part in a query.

The column alone never answers for the value, so what is emitted depends on where the reference
stands: among the default columns of a model the raw column is read (loading checks it against the
head); in ``values()`` and annotations the value is opened; in ORDER BY opened values are ranked;
anywhere else SQL would compute with ciphertext, and the query is refused.
"""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Count, F
from django.db.models.expressions import Col, Subquery

from .asking import refuse_wrong_askers
from .binding import require_binding
from .current_head import current_head_sql
from .evaluate import names_in
from .scan import ranked_rows

# Key and head as one text, so that the head is opened as its own row's.
_ROW_SQL = {
    "postgresql": "({pk})::text || ':' || COALESCE(encode({head}, 'hex'), '')",
    "sqlite": "CAST({pk} AS TEXT) || ':' || COALESCE(hex({head}), '')",
    "mysql": "CONCAT({pk}, ':', COALESCE(HEX({head}), ''))",
}
_HEX_SQL = {"postgresql": "encode({0}, 'hex')", "sqlite": "hex({0})", "mysql": "HEX({0})"}
_RANKED_SQL = {
    "postgresql": "{rank} || {value}",
    "sqlite": "{rank} || {value}",
    "mysql": "CONCAT({rank}, {value})",
}
# Not a bare NULL: in ORDER BY, PostgreSQL takes constants for positions.
_NO_RANK = {
    "postgresql": "CAST(NULL AS integer)",
    "sqlite": "CAST(NULL AS integer)",
    "mysql": "CAST(NULL AS SIGNED)",
}
_RANK = re.compile(r"#\d{10}#")


class SealedCol(Col):
    """A reference to a sealed field."""

    target: Any
    alias: Any  # None in constraints, where columns have no table
    # Whether the raw column was emitted, for loading; then no converter may touch it.
    raw = False
    # Whether what was emitted is to be opened.
    opened = False

    # Django orders by the position of an equal selected expression; but what is selected of a
    # sealed field is ciphertext, so no reference equals another.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        query = compiler.query
        if compiler.select is None:
            return self._in_select(compiler, connection, query)
        # What is selected is grouped by as well; values() after annotate() selects it anew.
        if isinstance(query.group_by, tuple | list) and _among(
            self, (*query.group_by, *query.select)
        ):
            return self._grouped(compiler, query.group_by)
        if getattr(compiler, "qualify", None):
            # A filter on a window function: Django selects everything once more around it.
            return self._in_select(compiler, connection, query)
        if not hasattr(compiler, "where"):
            return self._in_order_by(compiler, connection, query)
        if self.target.searchable and query.distinct_fields:
            return self.column_sql(compiler)
        raise FieldError(
            f"{self.target} is sealed: SQL sees only ciphertext here. Compare it with a lookup "
            "on the field itself, or work with the opened values in Python."
        )

    def _in_order_by(self, compiler: Any, connection: Any, query: Any) -> Any:
        if query.distinct_fields or query.combinator:
            raise FieldError(
                f"{self.target} is sealed: DISTINCT ON and combined queries cannot be ordered by "
                "it. Sort the opened values in Python."
            )
        for item in query.order_by:
            bare = isinstance(getattr(item, "expression", item), str | F)
            if not bare and self.target.name in {n.rpartition("__")[2] for n in names_in(item)}:
                raise FieldError(
                    f"{self.target} is sealed: rows can be ordered by its value, not by an "
                    "expression over it. Sort in Python."
                )
        return ranking(compiler, connection, self)

    def _in_select(self, compiler: Any, connection: Any, query: Any) -> tuple[str, list[Any]]:
        selected = [*query.select, *query.annotation_select.values()]
        if _among(self, selected):
            return self._opened(compiler, connection, query)
        for expression in selected:
            for parent in _parents(expression, self):
                if isinstance(parent, Count) and (
                    self.target.searchable or not getattr(parent, "distinct", False)
                ):
                    return self.column_sql(compiler)
                raise FieldError(
                    f"{type(parent).__name__} cannot be computed over {self.target}: it is "
                    "sealed, and SQL sees only ciphertext. Compute it in Python."
                )
        self.raw = True
        return self.column_sql(compiler)

    def _opened(self, compiler: Any, connection: Any, query: Any) -> tuple[str, list[Any]]:
        self.opened = True
        self._refuse_combination(query)
        if not getattr(query, "combined_alike", False):
            if getattr(compiler, "sealed_part", False):
                raise self._uncombinable("a combined query")
            if not hasattr(type(query), "compared"):  # a query of a plain model
                refuse_wrong_askers(self)
        if not self.target.searchable and query.distinct:
            raise FieldError(
                f"distinct() needs {self.target} to be searchable: only then do equal values "
                "have equal columns."
            )
        ranked = bool(_selected_names(self, query) & _ordering_names(query))
        if ranked and not self.target.searchable:
            return ranked_values(compiler, connection, self)
        if self.target.searchable:
            value, _ = self.column_sql(compiler)
            if not ranked:
                return value, []
            value = _HEX_SQL[connection.vendor].format(value)
        else:
            meta = self.target.model._meta
            pk = self._quoted(compiler, meta.pk.column)
            head = self._quoted(compiler, meta.sealed_head.column)
            current = current_head_sql(connection, meta.sealed_head, pk, head)
            value = _ROW_SQL[connection.vendor].format(pk=pk, head=current)
        if not ranked:
            return value, []
        # Django orders by the position of a selected value; so the value starts with its rank.
        rank, params = ranking(compiler, connection, self, "'#{:010d}#'")
        return _RANKED_SQL[connection.vendor].format(rank=f"({rank})", value=value), params

    def _refuse_combination(self, query: Any) -> None:
        """Refuse to combine this field's column with anything but itself."""
        if not query.combinator:
            return
        place = next((n for n, col in enumerate(query.select) if col is self), None)
        for part in query.combined_queries:
            other = part.select[place] if place is not None and place < len(part.select) else None
            same = isinstance(other, SealedCol) and other.target is self.target
            comparable = self.target.searchable or (
                query.combinator == "union" and query.combinator_all
            )
            if not (same and comparable):
                raise self._uncombinable(f"{query.combinator}()")
            part.combined_alike = True

    def _uncombinable(self, what: str) -> FieldError:
        return FieldError(
            f"{self.target} is sealed: {what} can combine it only with itself, and compare it "
            "only where it is searchable."
        )

    def _grouped(self, compiler: Any, groups: Any) -> tuple[str, list[Any]]:
        # Beside the primary key of its row, no column decides about the groups.
        keyed = any(
            isinstance(part, Col)
            and part.alias == self.alias
            and part.target is self.target.model._meta.pk
            for part in groups
        )
        if not (self.target.searchable or keyed):
            raise FieldError(
                f"Grouping needs {self.target} to be searchable: only then do equal values have "
                "equal columns."
            )
        return self.column_sql(compiler)

    def _quoted(self, compiler: Any, column: str) -> str:
        names = (self.alias, column) if self.alias else (column,)
        # Django 6.1 quotes every name; before, aliases were not quoted.
        quote = getattr(compiler, "quote_name", None) or compiler.quote_name_unless_alias
        return ".".join(map(quote, names))

    def column_sql(self, compiler: Any) -> tuple[str, list[Any]]:
        """The raw column: for lookups and clauses that know what it holds."""
        return self._quoted(compiler, self.target.column), []

    def get_group_by_cols(self) -> list[Any]:
        # A whole row is grouped by its primary key; what is sealed in it adds nothing.
        return [self] if self.target.searchable and not self.raw else []

    def get_db_converters(self, connection: Any) -> list[Any]:
        return [self.target.from_db_value] if self.opened else []


def open_selected(field: Any, value: Any, alias: str) -> Any:
    """The opened value of what a query selected of a sealed field.

    Args:
        field: the field.
        value: a searchable column's ciphertext, or key and head of the row, ranked or not.
        alias: database alias.

    Raises:
        SealBroken: it was changed.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _RANK.sub("", value, count=1) if value.startswith("#") else value
    if isinstance(value, str) and value.startswith("~"):
        return field.open_ranked(bytes.fromhex(value[1:]), alias)
    if field.searchable:
        blob = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
        return field.open_column(blob, alias)
    binding = require_binding(field.model)
    pk, _, blob = value.rpartition(":")
    pk = binding.pk.to_python(pk)
    opened = binding.open(alias, pk, bytes.fromhex(blob))
    return binding.values(opened.head.state)[field.attname]


def _selected_names(col: SealedCol, query: Any) -> set[str]:
    """The names under which a reference is selected."""
    names = {name for name, expression in query.annotation_select.items() if expression is col}
    for name, place in (getattr(query, "selected", None) or {}).items():
        if isinstance(place, int) and place < len(query.select) and query.select[place] is col:
            names.add(name)
    return names


def _ordering_names(query: Any) -> set[str]:
    """The names that a query orders by."""
    ordering = query.extra_order_by or query.order_by
    if not ordering and query.default_ordering and query.get_meta() is not None:
        ordering = query.get_meta().ordering
    names = set()
    for item in ordering or ():
        expression = getattr(item, "expression", item)
        name = expression if isinstance(expression, str) else getattr(expression, "name", "")
        names.add(str(name).lstrip("-"))
    return names


def _among(col: SealedCol, expressions: Any) -> bool:
    return any(expression is col for expression in expressions)


def _parents(expression: Any, col: SealedCol) -> Any:
    if isinstance(expression, Subquery) or not hasattr(expression, "get_source_expressions"):
        return
    for part in expression.get_source_expressions():
        if part is col:
            yield expression
        elif part is not None:
            yield from _parents(part, col)


def ranking(
    compiler: Any, connection: Any, col: SealedCol, form: str = "{:d}"
) -> tuple[str, list[Any]]:
    """SQL that gives each row the rank of a sealed field's opened value.

    Args:
        compiler: the compiler of the query.
        connection: its database.
        col: the reference.
        form: how a rank is written in SQL.
    """
    pairs = ranked_rows(col.target, connection.alias)
    if not pairs:
        return _NO_RANK[connection.vendor], []
    pk = col._quoted(compiler, col.target.model._meta.pk.column)
    cases = " ".join(f"WHEN %s THEN {form.format(rank)}" for _, rank, _ in pairs)
    return f"CASE {pk} {cases} END", [pk_value for pk_value, _, _ in pairs]


def ranked_values(compiler: Any, connection: Any, col: SealedCol) -> tuple[str, list[Any]]:
    """SQL that selects an unsearchable field's values so that they sort, equal ones alike.

    Django orders by the position of a selected value. Heads differ where values do not, so what is
    selected is the rank and the value, sealed deterministically for this query.
    """
    pairs = ranked_rows(col.target, connection.alias)
    if not pairs:
        return _NO_RANK[connection.vendor], []
    pk = col._quoted(compiler, col.target.model._meta.pk.column)
    cases = " ".join(
        f"WHEN %s THEN '#{rank:010d}#~{col.target.seal_ranked(value, connection.alias).hex()}'"
        for _, rank, value in pairs
    )
    return f"CASE {pk} {cases} END", [pk_value for pk_value, _, _ in pairs]
