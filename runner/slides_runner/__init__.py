"""A talk video goes in, its slides come out: source → video → detection → outputs → sink."""
