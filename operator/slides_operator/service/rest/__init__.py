"""The routes, a module for each interface that they keep."""
