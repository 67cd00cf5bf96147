"""What to do about one extraction: decided from plain values, without any I/O."""
