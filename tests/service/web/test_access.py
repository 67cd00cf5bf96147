"""For everybody: by keyboard alone, on a phone, in the dark, without motion, read aloud."""

from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.service.web.conftest import OpenPage
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

URL = "https://example.com/talk.mp4"
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

Addresses = dict[str, str]


@pytest.fixture
async def addresses(stage: Stage) -> Addresses:
    """Every kind of page."""
    done = await stage.finished("done", URL, "How slides are found in a talk of some length")
    busy = await stage.running(
        "busy", URL, "A talk at work", percent=42, message="Looking", frameCount=9, currentFrame=3
    )
    gone = await stage.failed("gone", URL, "Lost", reason="PrivateVideo", message="It is private.")
    await stage.waiting("waits", "https://example.com/" + "a-very-long-name" * 12 + ".mp4")
    return {
        "list": "/ui",
        "empty list": "/ui?q=nothing",
        "form": "/ui/new",
        "finished": stage.href(done),
        "running": stage.href(busy),
        "failed": stage.href(gone),
        "activity": stage.href(gone, "/activity"),
        "question": stage.href(gone, "/delete"),
        "error": "/ui/talks/nothing",
    }


def unreadable(unsure: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what axe leaves to people though it is plain: text in the colour of its ground."""
    for one in unsure:
        same = [node for node in one["nodes"] if is_same_colour(node)]
        if one["id"] == "color-contrast" and same:
            yield {**one, "nodes": same}


def is_same_colour(node: dict[str, Any]) -> bool:
    return any((check.get("data") or {}).get("messageKey") == "equalRatio" for check in node["any"])


async def each(page: Page, addresses: Addresses, look: Callable[[str], Awaitable[None]]) -> None:
    for name, address in addresses.items():
        await page.goto(address, wait_until="networkidle")
        await look(name)


@pytest.mark.parametrize(
    ("scheme", "window"), [("light", LAPTOP), ("dark", PHONE)], ids=["laptop", "phone in the dark"]
)
async def test_axe_finds_nothing(
    open_page: OpenPage, addresses: Addresses, scheme: str, window: dict[str, Any]
) -> None:
    found: dict[str, Any] = {}

    async with open_page(color_scheme=scheme, **window) as page:

        async def look(name: str) -> None:
            await page.evaluate(AXE)
            results = await page.evaluate("rules => axe.run(rules)", RULES)
            for one in (*results["violations"], *unreadable(results["incomplete"])):
                found[f"{name}: {one['id']}"] = [node["html"] for node in one["nodes"]][:3]

        await each(page, addresses, look)
        await page.context.clear_cookies()
        await each(page, {"login": "/ui/login"}, look)
    assert found == {}


async def test_nothing_is_wider_than_a_phone(open_page: OpenPage, addresses: Addresses) -> None:
    async with open_page(**PHONE) as page:

        async def look(name: str) -> None:
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, name

        await each(page, addresses, look)


async def test_nothing_moves_for_those_who_asked_for_that(
    open_page: OpenPage, addresses: Addresses
) -> None:
    moving = """[...document.querySelectorAll('*')].some((element) =>
        [null, '::before'].some((part) => {
          const style = getComputedStyle(element, part);
          return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0;
        }))"""
    async with open_page(reduced_motion="reduce") as page:
        await page.goto(addresses["list"])
        assert not await page.evaluate(moving)
    async with open_page(reduced_motion="no-preference") as page:
        await page.goto(addresses["list"])
        assert await page.evaluate(moving)


async def test_a_talk_is_started_by_keyboard_alone(page: Page, stage: Stage) -> None:
    await page.goto("/ui")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.keyboard.press("n")
    await page.wait_for_url("**/ui/new")
    await page.keyboard.type(URL)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ui/talks/*")


async def test_the_list_is_walked_through_by_keys(page: Page, stage: Stage) -> None:
    for name in ("first", "second", "third"):
        await stage.waiting(name, f"https://example.com/{name}.mp4")
    await page.goto("/ui")
    links = page.locator(".talk h2 a")
    await page.keyboard.press("j")
    await expect(links.nth(0)).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(links.nth(1)).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search talks")).to_be_focused()
    await page.keyboard.type("jk")
    await expect(page.get_by_label("Search talks")).to_have_value("jk")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/ui/talks/*")


async def test_progress_is_said_aloud_now_and_then(page: Page, stage: Stage) -> None:
    made = await stage.running("busy", URL, "A talk at work", percent=3, message="Looking")
    await page.goto(stage.href(made))
    said = page.locator("#announcement")
    await stage.report("busy", "A talk at work", percent=31, message="Looking")
    await expect(said).to_have_text("extracting, 25 %")
    await stage.report("busy", "A talk at work", percent=44, message="Looking on")
    await expect(page.locator("#message")).to_have_text("Looking on")
    await expect(said).to_have_text("extracting, 25 %")
