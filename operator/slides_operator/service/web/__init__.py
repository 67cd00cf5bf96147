"""The page at /ui: the same resources for a browser, rendered here and readable as it is."""
