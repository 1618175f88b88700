"""Databases that releases wrote: every later release opens them.

``python -m tests.golden make`` writes the one of this release, ``test_golden`` opens them all.
"""
