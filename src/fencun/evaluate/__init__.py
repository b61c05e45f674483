"""Whether tuning was worth it: studies, votes of people, reads, and the verdict on them."""
