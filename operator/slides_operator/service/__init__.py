"""The service: REST, SSE and WebSocket over the resources' state. It holds none of its own."""
