"""A small Django project whose users and sessions are sealed: ``make demo`` runs it."""
