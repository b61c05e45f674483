"""Tuning: an adapter is planned, learnt, watched while it learns, and exported."""
