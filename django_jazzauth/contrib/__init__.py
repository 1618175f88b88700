"""Plugins of the API, each a Django app of its own; see ``django_jazzauth.api.plugins``."""
