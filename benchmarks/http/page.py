"""The words of ``docs/benchmarks/http.md``."""

INTRODUCTION = """\
# Over HTTP

What an answer of the API costs a server. This page, the data behind it (`http.json`) and the plot
are written by `make bench-http`, which needs [wrk](https://github.com/wg/wrk); run it to see your
own machine, and `make bench-http ARGS=--help` for what can be chosen.

![Processor time per answer](http.svg)

* Each server is one worker process with the middleware of a usual project, `DEBUG` off and rate
  limits off, on a database with so many people, each with an account and a live session.
* All servers of a run are up at the same time and get slices of load in turn, so that whatever else
  the machine does meets all of them. Given are medians of the slices. A wrong answer ends the run.
* *CPU µs* is the processor time of all processes of the server, system calls included, divided by
  the answers that wrk counted. What a PostgreSQL server spends on their connections stands behind
  the `+`; its background writers serve everybody and are not in it.
* *p50* and *p99* are latencies as wrk gives them, corrected for requests that it held back while it
  waited for an answer. wrk shares the cores with the server.
* Sign-in and sign-up are measured with the real hash, argon2id of 19 MiB and two passes, and with a
  cheap one that only these benchmarks use, so that what else they cost can be seen.
* *floor* is a server that does nothing else: WSGI without Django. The empty views are served by our
  server, behind all of that middleware; the API passes it by ([how](../howto/serving.md)).
"""

TEXTS = {
    "requests": ("Requests", ""),
    "storm": (
        "During a storm of sign-ins",
        "16 connections sign in without pause, with the real hash; meanwhile one connection asks\n"
        "`get-session`.\n",
    ),
    "growth": (
        "From small to large",
        "The same endpoints on databases of different sizes, in one run.\n",
    ),
    "admin": ("The admin, from small to large", ""),
    "first": (
        "From small to large, nothing remembered",
        "As above, with `MEMO_SIZE` 0: every row is opened anew.\n",
    ),
    "memory": (
        "Memory of a worker",
        "Two thirds of the time `get-session`, the rest all other endpoints in turn, on 16\n"
        "connections.\n",
    ),
    "servers": (
        "Servers",
        "The same application under each, one worker process, on people of one size.\n",
    ),
}
"""Title and text of a section, by the first word of its name."""
