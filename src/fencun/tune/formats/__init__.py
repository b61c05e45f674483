"""The forms in which an adapter leaves, each checked to say the same."""
