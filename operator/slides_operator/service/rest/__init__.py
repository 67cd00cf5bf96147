"""The routes that read and write resources, one module for each interface."""
