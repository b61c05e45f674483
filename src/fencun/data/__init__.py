"""Lines and datasets: read, checked beside one another, bred, split and exported."""
