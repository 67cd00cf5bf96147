"""A real browser for tests: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.cluster.packages import SYSTEM_PATH, install_packages
from tests.cluster.tools import ToolMissingError

PROGRAMS = {"chromium": "chromium"}
FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium has none for root, as whom CI runs; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
START_LIMIT_MS = 60_000
"""Chosen: thirty times what it takes on two busy cores."""


def install_chromium() -> str:
    """Return where Chromium is, installed where it is missing. Raises ToolMissingError."""
    install_packages(PROGRAMS)
    found = shutil.which("chromium", path=SYSTEM_PATH)
    if found is None:
        raise ToolMissingError("Browser tests need chromium.")
    return found


@asynccontextmanager
async def run_chromium(program: str) -> AsyncIterator[Browser]:
    """Run a browser until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=[*FLAGS], timeout=START_LIMIT_MS
        )
        try:
            yield browser
        finally:
            await browser.close()
