"""The rules that hold for every test run."""

import os

import pytest
from hypothesis import settings

# A busy machine makes no property false.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


NODE = frozenset({"node_cluster", "images"})
"""Fixtures that are too dear to be had twice: a cluster with a real node, and both images."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together what shares something costly, where several processes run the tests.

    What needs the node takes longest, and comes first.
    """
    if config.getoption("dist", "no") != "loadgroup":
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: group_of(item) != "node")


def group_of(item: pytest.Item) -> str:
    """Return whose process a test shares: that of its file, or of all that need the node."""
    needs_node = NODE.intersection(getattr(item, "fixturenames", ()))
    return "node" if needs_node else item.path.as_posix()


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
