"""A fresh process that sets Django up, reads one user and says how long that took.

It imports nothing else, so that the times are those of a project that starts.
"""

import json
import resource
import time

import django
from django.contrib.auth import get_user_model

from .people import username


def main() -> None:
    """Print the times as one JSON object."""
    django.setup()
    ready_at, ready = time.time_ns(), time.perf_counter_ns()
    user = get_user_model()._default_manager.get(username=username(0))
    query = time.perf_counter_ns() - ready
    if not user.pk:
        raise RuntimeError("the prepared database is empty")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ready_at": ready_at, "query": query, "memory": memory}))


if __name__ == "__main__":
    main()
