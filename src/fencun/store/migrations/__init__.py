"""Alembic's folder: ``env.py`` and the numbered revisions under ``versions/``."""
