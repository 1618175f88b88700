"""Benchmarks: stock Django and django_jazzauth side by side. ``python -m benchmarks --help``.

Two worker processes run the very same code (``operations.py``) on the same people; only their
settings differ (``settings.py``): one has a plain user model and Django's session engine, the other
has ours. They are fed alternately, a slice of some milliseconds each, so that whatever else the
machine does meanwhile meets both. Separate processes keep one side's caches, signal receivers and
garbage away from the other's times.
"""
