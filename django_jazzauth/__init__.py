"""Encrypted, append-only event store behind Django's auth, with local-first identity."""

__version__ = "0.1.0"
