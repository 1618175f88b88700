"""Several accounts in one browser: a cookie for each, and switching between them.

A session of another account is reached by its own signed cookie only.
"""
