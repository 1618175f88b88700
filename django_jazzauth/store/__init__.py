"""The log: events, the Journal that writes them, and what can be read back from them."""

from .acting import acting
from .api import Store, store
from .events import Event
from .verify import Problem, Report

__all__ = ["Event", "Problem", "Report", "Store", "acting", "store"]
