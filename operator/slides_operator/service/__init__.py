"""The service: REST, streams and pages over the resources; it holds no state."""
