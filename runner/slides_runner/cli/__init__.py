"""The command `slides`: arguments in, one pipeline run per source, words or JSON out."""

from slides_runner.cli.app import main

__all__ = ["main"]
