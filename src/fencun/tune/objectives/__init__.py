"""What a run learns: by samples, by preferences, or to judge."""
