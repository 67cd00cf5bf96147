"""Pictures of the page for the documentation: `make screenshots` keeps them in docs/images."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.service.objects import PHASES
from tests.service.web.conftest import OpenPage
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ("docs/images" if os.environ.get("SCREENSHOTS") else "build/screenshots")
"""A test run leaves the documentation's own alone: fonts differ from machine to machine."""
LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "reduced_motion": "reduce"}
A_SECOND = 1.1
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
}


async def take(page: Page, name: str, address: str, *, full: bool = False) -> None:
    await page.goto(address, wait_until="networkidle")
    for picture in await page.locator("img:visible").all():
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", value=True)
    if full:
        await page.locator("#activity").scroll_into_view_if_needed()
        await expect(page.locator(".log")).to_be_visible()
    await page.evaluate("scrollTo(0, 0)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"ui-{name}.png"
    await page.screenshot(path=path, full_page=full, animations="disabled")
    assert path.stat().st_size > 10_000


@pytest.fixture
async def places(stage: Stage) -> dict[str, str]:
    """Talks of a term, as a list shows them."""
    await stage.waiting(
        "seminar-rust",
        "https://vimeo.com/76979871",
        phase="Queued",
        conditions=[{**PHASES["Queued"], "message": "Two extractions are before this one."}],
    )
    finished = await stage.finished(
        "how-slides-are-found",
        "https://example.com/talks/how.mp4",
        "How slides are found in a talk",
    )
    titles = (
        ("Kubernetes operators from scratch", slice(1, 5)),
        ("What the decoder costs: video in 2026", slice(2, 8)),
        ("Linear algebra 7: eigenvalues and what they are for", slice(3, 6)),
        ("Measuring before guessing", slice(5, 8)),
    )
    for n, (title, slides) in enumerate(titles):
        await stage.finished(f"lecture-{n}", f"https://example.com/{n}.mp4", title, slides=slides)
    failed = await stage.failed(
        "keynote",
        "youtube:dQw4w9WgXcQ",
        "Opening keynote",
        reason="PrivateVideo",
        message="The video is private. Sign in as somebody who may see it: give cookies.txt in "
        "source.secretRef, then try again.",
    )
    await asyncio.sleep(A_SECOND)  # lists are by the second of creation
    running = await stage.running(
        "distributed-systems-12",
        "https://www.youtube.com/watch?v=aqz-KE-bpKQ",
        "Distributed systems 12: consensus, clocks and the price of agreement",
        percent=58,
        message="Finding slides: 31 so far",
        frameCount=63450,
        currentFrame=35214,
    )
    await stage.running(
        "type-theory",
        "https://example.com/type-theory.mp4",
        "Type theory for people who write programs",
        phase="Downloading",
        percent=12,
        message="Downloading: 118 of 294 MB",
    )
    return {
        name: stage.href(made)
        for name, made in (("finished", finished), ("failed", failed), ("running", running))
    }


async def test_pages_have_their_picture_taken(open_page: OpenPage, places: dict[str, str]) -> None:
    async with open_page(**LAPTOP) as page:
        await take(page, "list", "/ui")
        await take(page, "running", places["running"])
        await take(page, "failed", places["failed"])
        await take(page, "new", "/ui/new")
        await take(page, "finished", places["finished"], full=True)
        await page.locator("#slide-4 .picture").click()
        await page.keyboard.press("ArrowUp")
        await page.screenshot(path=FOLDER / "ui-viewer.png")
    async with open_page(color_scheme="dark", **LAPTOP) as page:
        await take(page, "dark", places["finished"])
        await take(page, "list-dark", "/ui")
    async with open_page(**PHONE) as page:
        await take(page, "phone", places["finished"])
        await take(page, "phone-list", "/ui")
