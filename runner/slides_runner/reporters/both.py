"""One run, two that hear of it: in a pod its log and the resource's status."""

from slides_runner.reporters import Found, Progress, Reporter, Stored


class Both:
    """Passes everything on to two reporters."""

    def __init__(self, first: Reporter, second: Reporter) -> None:
        """Take who hears first, and who then."""
        self._all = (first, second)

    def found(self, video: Found) -> None:
        """Pass it on."""
        for one in self._all:
            one.found(video)

    def stored(self, output: Stored) -> None:
        """Pass it on."""
        for one in self._all:
            one.stored(output)

    def report(self, progress: Progress) -> None:
        """Pass it on."""
        for one in self._all:
            one.report(progress)

    def warn(self, message: str) -> None:
        """Pass it on."""
        for one in self._all:
            one.warn(message)
