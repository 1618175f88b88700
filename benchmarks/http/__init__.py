"""The API over HTTP, driven by wrk. ``make bench-http``; ``ARGS=--help`` lists the options.

A server of ours is started for each size (and once more with the real password hash), on a copy of
a filled database. It is given work in slices, which alternate between all servers of the run and
any other server that was named with ``--peer``, so that whatever else the machine does meanwhile
meets all of them. What is compared is the processor time of the server's processes per answer:
:mod:`.processes` reads it, :mod:`.wrk` drives, :mod:`.endpoints` says what is asked for.
"""
