"""The API server: requests, watches, and what they saw."""
