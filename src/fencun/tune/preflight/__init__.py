"""What a run would take in time, memory and disk, before it begins."""
