"""The rules that hold for every test run."""

import os

import pytest
from hypothesis import settings

# A busy machine makes no property false.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a green run in CI when a test was skipped.

    A test that cannot run on someone's laptop may skip and say why. Where the result decides, that
    would pass for tested what was not.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or not isinstance(reporter, pytest.TerminalReporter):
        return
    skipped = len(reporter.stats.get("skipped", []))
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped, which counts as failed in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
