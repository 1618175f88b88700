"""Sessions without a row: the cache cookie is the session."""
