"""Measurements of the project, each by one command, beside its floors, goals and rivals."""
