"""How long sources wait and how often they try again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Bounds on waiting; times are in seconds."""

    connect_s: float = 10.0
    """To open a connection. Chosen: a healthy host answers within two round trips."""
    idle_s: float = 30.0
    """Without a single byte. Chosen: above the 20 s that yt-dlp waits by default."""
    attempts: int = 5
    """Failures in a row, without a byte gained, before a transfer is given up."""
    backoff_s: float = 1.0
    """Before the first repetition; it doubles from there, with jitter."""
    backoff_max_s: float = 30.0
    """The longest pause between two attempts."""
    min_bytes_per_s: float = 1024.0
    """A slower stream counts as hanging. Chosen: an hour of slides at 1 KiB/s takes days."""
    rate_window_s: float = 60.0
    """Over which that rate is measured."""
    extractions: int = 3
    """How often yt-dlp may read a page for one video: its own loop on throttling has no bound."""


DEFAULT_PATIENCE = Patience()
