"""Fixtures that several folders of tests share."""

from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server, ToolMissingError, run_s3_server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server; the first use on a machine builds it."""
    try:
        with run_s3_server() as server:
            yield server
    except ToolMissingError as e:
        pytest.skip(str(e))
