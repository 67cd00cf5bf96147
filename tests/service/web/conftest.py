"""A browser that is signed in, and talks for it to look at."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.cluster.tools import ToolMissingError
from tests.s3_server import S3Server
from tests.service.conftest import PASSWORD, RunningService, StartService
from tests.service.web.chromium import install_chromium, run_chromium
from tests.service.web.talks import Sample, Stage

TALK = Path(__file__).parents[3] / "samples" / "talk.mp4"
ANSWER_MS = 10_000
"""Chosen: a hundred times what a page takes on two busy cores."""


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> str:
    """Where Chromium is; the first use on a machine installs it."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    try:
        with capture.global_and_fixture_disabled():
            return install_chromium()
    except ToolMissingError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """What the runner makes of the sample talk."""
    folder = tmp_path_factory.mktemp("sample") / "out"
    program = Path(sys.executable).with_name("slides")
    subprocess.run(
        [program, "extract", TALK, "--output", folder], check=True, capture_output=True, timeout=300
    )
    return Sample(folder)


@pytest.fixture
async def service(
    start_service: StartService, s3_server: S3Server
) -> AsyncIterator[RunningService]:
    """A running service with a bucket, and no limit of submissions in a test's way."""
    async with start_service(
        s3_endpoint=s3_server.endpoint,
        s3_region=s3_server.region,
        s3_access_key=s3_server.access_key,
        s3_secret_key=s3_server.secret_key,
        s3_bucket_name=s3_server.make_bucket(),
        allow_private_addresses=True,
    ) as running:
        yield running


@pytest.fixture
def stage(service: RunningService, s3_server: S3Server, sample: Sample) -> Stage:
    """Makes talks."""
    return Stage(service, s3_server, service.parts.settings.s3_bucket_name, sample)


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser."""
    async with run_chromium(chromium) as running:
        yield running


class OpenPage(Protocol):
    """Opens a page in a browser of its own settings; complaints of the browser fail the test."""

    def __call__(
        self, *, signed_in: bool = True, **settings: Any
    ) -> AbstractAsyncContextManager[Page]: ...


@pytest.fixture
def open_page(browser: Browser, service: RunningService) -> OpenPage:
    """Open pages, signed in unless told otherwise."""

    @asynccontextmanager
    async def open_(*, signed_in: bool = True, **settings: Any) -> AsyncIterator[Page]:
        context = await browser.new_context(base_url=service.url, **settings)
        context.set_default_timeout(ANSWER_MS)
        expect.set_options(timeout=ANSWER_MS)
        try:
            if signed_in:
                await sign_in(context)
            page = await context.new_page()
            complaints = watch(page)
            yield page
            assert complaints == []
        finally:
            await context.close()

    return open_


@pytest.fixture
async def page(open_page: OpenPage) -> AsyncIterator[Page]:
    """A page of somebody who is signed in, in a window of a laptop."""
    async with open_page() as opened:
        yield opened


async def sign_in(context: BrowserContext) -> None:
    """Sign in as the form does."""
    page = await context.new_page()
    await page.goto("/ui/login")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/ui")
    await page.close()


def watch(page: Page) -> list[str]:
    """Return what goes wrong from now on: errors of scripts, and what the policy refuses."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda told: complaints.append(told.text) if is_complaint(told.type, told.text) else None,
    )
    return complaints


def is_complaint(kind: str, text: str) -> bool:
    """Return whether the console says that something is wrong with the page itself."""
    # A form that is refused answers 4xx on purpose; the console tells of it as of an error.
    return kind == "error" and "Failed to load resource" not in text
