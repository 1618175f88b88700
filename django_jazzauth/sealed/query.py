"""The query of an event-sourced queryset: refuses to lend ciphertext to other queries."""

from __future__ import annotations

from typing import Any

from django.db.models.sql import Query

from .asking import refuse_computing
from .col import SealedCol


class EventStoreQuery(Query):
    """Knows, as a subquery, who asks.

    A sealed field that a subquery selects is ciphertext to the query around it. As an annotation it
    is opened; in a lookup on the same field ciphertexts are compared, which that lookup says
    beforehand. Anywhere else the outer query would compute with ciphertext.

    Attributes:
        compared: a lookup on the very same field is going to compare what is selected.
        combined_alike: the combined query around selects the same sealed fields in every part.
    """

    compared = False
    combined_alike = False

    def get_compiler(self, using: Any = None, connection: Any = None, *args: Any, **kw: Any) -> Any:
        """As Django's; notes when it is for a part of a combined query."""
        compiler = super().get_compiler(using, connection, *args, **kw)
        # Only there Django names both; the one other place is a subquery.
        part = using is not None and connection is not None and not self.subquery
        compiler.sealed_part = part
        return compiler

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """As Django's; called with the compiler of the query around."""
        for expression in (*self.select, *self.annotation_select.values()):
            if isinstance(expression, SealedCol):
                refuse_computing(self, expression, compiler)
        return super().as_sql(compiler, connection)
