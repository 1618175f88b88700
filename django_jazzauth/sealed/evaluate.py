"""Evaluation of Django expressions in Python, for values that SQL sees only as ciphertext."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Case, ExpressionWrapper, F, Q, Value, When
from django.db.models import functions as fn
from django.db.models.expressions import Col, CombinedExpression, Expression
from django.db.models.functions.text import ConcatPair
from django.utils import timezone

from ..errors import ScanRefused
from .matching import match

Lookup = Callable[[str], Any]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%%": operator.mod,
    "^": operator.pow,
}
_TEXT_FUNCTIONS: dict[type, Callable[[str], Any]] = {
    fn.Lower: str.lower,
    fn.Upper: str.upper,
    fn.Length: len,
    fn.Trim: lambda text: text.strip(" "),
    fn.LTrim: lambda text: text.lstrip(" "),
    fn.RTrim: lambda text: text.rstrip(" "),
    fn.Reverse: lambda text: text[::-1],
}


def names_in(expression: Any) -> Iterator[str]:
    """Names of the fields that an unresolved expression refers to."""
    if isinstance(expression, F):
        yield str(expression.name)  # type: ignore[attr-defined]
    elif isinstance(expression, Q):
        for child in expression.children:
            if isinstance(child, tuple):
                yield child[0].split("__")[0]
                yield from names_in(child[1])
            else:
                yield from names_in(child)
    elif hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            if part is not None:
                yield from names_in(part)


def evaluate(expression: Any, lookup: Lookup) -> Any:
    """The value of an expression for one row.

    Args:
        expression: an unresolved Django expression, or a plain value.
        lookup: gives the value of a field by its name.

    Raises:
        ScanRefused: the expression has no Python meaning here; it names the class.
    """
    if isinstance(expression, F):
        return lookup(expression.name)  # type: ignore[attr-defined]
    if isinstance(expression, Col):  # a reference that a query resolved
        return lookup(expression.target.name)
    if isinstance(expression, Value):
        return expression.value
    if isinstance(expression, Q):
        return _holds(expression, lookup)
    if not hasattr(expression, "resolve_expression"):
        return expression
    parts = _parts(expression)
    if isinstance(expression, ConcatPair):
        return "".join("" if v is None else str(v) for v in (evaluate(p, lookup) for p in parts))
    if isinstance(expression, ExpressionWrapper | fn.Concat):
        return evaluate(parts[0], lookup)
    if isinstance(expression, fn.Cast):
        return expression.output_field.to_python(evaluate(parts[0], lookup))
    if isinstance(expression, CombinedExpression):
        left, right = (evaluate(part, lookup) for part in parts)
        if expression.connector not in _OPERATORS:
            raise _refusal(expression)
        return (
            None if left is None or right is None else _OPERATORS[expression.connector](left, right)
        )
    if isinstance(expression, fn.Coalesce):
        return next((v for v in (evaluate(p, lookup) for p in parts) if v is not None), None)
    if isinstance(expression, fn.NullIf):
        left, right = (evaluate(part, lookup) for part in parts)
        return None if left == right else left
    if isinstance(expression, fn.Now):
        return timezone.now()
    if isinstance(expression, Case):
        return _case(expression, lookup)
    return _text(expression, parts, lookup)


def _parts(expression: Any) -> list[Any]:
    return [part for part in expression.get_source_expressions() if part is not None]


def _text(expression: Expression, parts: list[Any], lookup: Lookup) -> Any:
    values = [evaluate(part, lookup) for part in parts]
    if values and values[0] is None:
        return None
    for kind, function in _TEXT_FUNCTIONS.items():
        if type(expression) is kind:
            return function(str(values[0]))
    if isinstance(expression, fn.Replace):
        return str(values[0]).replace(str(values[1]), str(values[2]))
    if isinstance(expression, fn.Right):  # a subclass of Left
        text = str(values[0])
        return text[max(len(text) - values[1], 0) :]
    if isinstance(expression, fn.Left):
        return str(values[0])[: values[1]]
    if isinstance(expression, fn.Substr):
        start = values[1] - 1
        end = None if len(values) < 3 else start + values[2]
        return str(values[0])[start:end]
    raise _refusal(expression)


def _case(expression: Any, lookup: Lookup) -> Any:
    for case in expression.cases:
        if not isinstance(case, When) or not isinstance(case.condition, Q):
            raise _refusal(case)
        if _holds(case.condition, lookup):
            return evaluate(case.result, lookup)
    return evaluate(expression.default, lookup)


def _holds(condition: Any, lookup: Lookup) -> bool:
    results = []
    for child in condition.children:
        if isinstance(child, tuple):
            name, _, kind = child[0].partition("__")
            value = evaluate(child[1], lookup)
            results.append(match(kind or "exact", lookup(name), value))
        else:
            results.append(_holds(child, lookup))
    if condition.connector == Q.XOR:
        held = sum(results) % 2 == 1
    else:
        held = any(results) if condition.connector == Q.OR else all(results)
    return bool(held != condition.negated)


def _refusal(expression: Any) -> ScanRefused:
    return ScanRefused(
        f"{type(expression).__name__} cannot be evaluated over a sealed field. "
        "Compute the value in Python and save the instances."
    )
