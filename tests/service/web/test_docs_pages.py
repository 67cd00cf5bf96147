"""The API's description as pages, in a real browser and under their strict policy."""

import gzip
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request, expect

from slides_operator.service.docs_pages import ASSETS, POLICY, STATIC
from tests.service.conftest import RunningService, StartService

pytestmark = [pytest.mark.api, pytest.mark.slow]

LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""ReDoc asks for its maker's logo; the policy forbids it, and nothing is sent."""


class _Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.asked.append(request.url)

    def errors(self) -> list[str]:
        return [line for line in self.said if line.startswith("error") and LOGO not in line]


async def test_swagger_ui_shows_and_tries_operations(
    start_service: StartService, browser: Browser
) -> None:
    async with start_service() as service:
        page = await browser.new_page()
        watched = _Watched(page)
        await page.goto(f"{service.url}/docs")

        await expect(page.get_by_role("heading", name="Slides Extractor")).to_be_visible()
        await page.locator("#operations-Service-get_health .opblock-summary").click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        answer = page.locator("#operations-Service-get_health .live-responses-table")
        await expect(answer).to_contain_text("queue_running")
        await page.close()

    assert watched.errors() == []
    assert all(url.startswith(service.url) for url in watched.asked)


async def test_redoc_shows_operations(start_service: StartService, browser: Browser) -> None:
    async with start_service(app_name="Talks <at> Work") as service:
        page = await browser.new_page()
        watched = _Watched(page)
        await page.goto(f"{service.url}/redoc")

        await expect(page).to_have_title("Talks <at> Work")
        await expect(page.get_by_text("/process/youtube/{video_id}").first).to_be_attached()
        menu = page.locator(".menu-content")
        await expect(menu).to_be_visible()
        # Styled at all: without its styles the menu would be as wide as the page.
        box = await menu.bounding_box()
        assert box is not None
        assert box["width"] < 500
        await page.close()

    assert watched.errors() == []
    assert all(url.startswith(service.url) or url == LOGO for url in watched.asked)


async def test_pages_are_under_a_strict_policy(service: RunningService) -> None:
    assert "unsafe" not in POLICY
    for path in ("/docs", "/redoc"):
        async with service.stranger.get(service.url + path) as response:
            assert response.status == 200
            assert response.headers["Content-Security-Policy"] == POLICY
            assert response.content_type == "text/html"


@pytest.mark.parametrize("name", ASSETS)
async def test_assets_come_with_and_without_gzip(name: str, service: RunningService) -> None:
    path, content_type = ASSETS[name]
    content = (STATIC / path).read_bytes()
    content = gzip.decompress(content) if path.endswith(".gz") else content

    for encoding in ("gzip", "identity"):
        headers = {"Accept-Encoding": encoding}
        async with service.stranger.get(
            f"{service.url}/docs/assets/{name}", headers=headers
        ) as response:
            assert response.status == 200
            assert response.content_type == content_type
            assert "max-age" in response.headers["Cache-Control"]
            assert await response.read() == content


async def test_other_files_are_not_served(service: RunningService) -> None:
    for name in ("none.js", "..%2fdocs_pages.py", "LICENSE"):
        async with service.stranger.get(f"{service.url}/docs/assets/{name}") as response:
            assert response.status == 404


def test_vendored_files_have_their_licences() -> None:
    folders = {Path(path).parent for path, _ in ASSETS.values() if path.startswith("vendor/")}

    assert folders
    assert all((STATIC / folder / "LICENSE").is_file() for folder in folders)
