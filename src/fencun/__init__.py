"""Fencun 分寸: make the right expression the default of a general language model."""

__version__ = "0.1.0"
