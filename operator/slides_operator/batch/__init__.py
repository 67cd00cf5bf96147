"""Batches: the extraction of each item, counted and steered."""
