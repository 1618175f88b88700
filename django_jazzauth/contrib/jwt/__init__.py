"""A JWT on every ``/get-session``, and the signing keys in the admin.

``/token`` and ``/jwks`` are the core's and work without this app.
"""
