"""The service under load: many clients that follow jobs, long lists, strange requests."""
