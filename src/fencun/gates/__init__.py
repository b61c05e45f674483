"""What makes a text wrong: one file a gate, one registry, for data and for answers alike."""

from fencun.gates.gate import Finding, Gate, Severity
from fencun.gates.registry import Gates, passes

__all__ = ["Finding", "Gate", "Gates", "Severity", "passes"]
