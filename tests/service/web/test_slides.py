"""A finished talk: pictures, timeline, viewer, downloads."""

import re

import aiohttp
import pytest
from playwright.async_api import Page, expect
from yarl import URL

from tests.service.conftest import RunningService
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

TALK = "https://example.com/talk.mp4"


async def test_pictures_come_through_the_service_and_stand_on_the_timeline(
    page: Page, stage: Stage
) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    manifest = stage.sample.manifest
    await page.goto(stage.href(made), wait_until="networkidle")
    for picture in await page.locator(".picture img").all():
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", value=True)
        assert await picture.evaluate("image => image.naturalWidth") == manifest.video.width
    spans = sum(len(slide.spans) for slide in manifest.slides)
    await expect(page.locator(".timeline .bar")).to_have_count(spans)
    steps = sum(len(slide.builds) for slide in manifest.slides)
    await expect(page.locator(".timeline .step")).to_have_count(steps)
    await expect(page.locator(".figures")).to_contain_text(f"{steps}")
    await page.get_by_role("link", name="One command").click()
    await expect(page).to_have_url(re.compile(r"#slide-7$"))


async def test_pointing_at_the_timeline_shows_the_slide_and_a_click_goes_there(
    page: Page, stage: Stage
) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    await page.goto(stage.href(made))
    drawing = page.locator("#timeline > svg")
    box = await drawing.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 2, box["y"] + 30)
    await expect(page.locator("#peek-text")).to_have_text("0:00 · slide 1")
    last = stage.sample.manifest.slides[-1]
    middle = (last.spans[0].start + last.spans[0].end) / 2
    part = middle / stage.sample.manifest.video.duration_seconds
    await page.mouse.click(box["x"] + part * box["width"], box["y"] + 30)
    await expect(page.locator(f"#slide-{last.index} .picture")).to_be_focused()


async def test_slides_are_walked_through_by_keys(page: Page, stage: Stage) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    await page.goto(stage.href(made))
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#slide-1 .picture")).to_be_focused()
    await page.keyboard.press("j")
    await expect(page.locator("#slide-2 .picture")).to_be_focused()
    await page.keyboard.press("Enter")
    said = page.locator("#viewer-text")
    count = len(stage.sample.manifest.slides)
    await expect(said).to_have_text(f"Slide 2 of {count}")
    await page.keyboard.press("ArrowRight")
    await expect(said).to_have_text(f"Slide 3 of {count}")
    steps = len(stage.sample.manifest.slides[2].builds)
    assert steps > 0
    await page.keyboard.press("ArrowUp")
    await expect(said).to_have_text(f"Slide 3 of {count}, build step {steps} of {steps}")
    await page.keyboard.press("ArrowDown")
    await expect(said).to_have_text(f"Slide 3 of {count}")
    await page.keyboard.press("End")
    await expect(said).to_have_text(f"Slide {count} of {count}")
    await expect(page.get_by_role("button", name="Next slide")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(page.locator("#viewer")).to_be_hidden()
    await expect(page.locator(f"#slide-{count} .picture")).to_be_focused()


async def test_files_are_downloads_that_nothing_in_them_can_run(
    service: RunningService, stage: Stage
) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    folder = stage.sample.folder
    for key, kind in (("slides.pdf", "application/pdf"), ("report.html", "text/html")):
        async with service.client.get(stage.href(made, f"/files/{key}")) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{key}"'
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert await answer.read() == (folder / key).read_bytes()


@pytest.mark.parametrize(
    "key", ["nothing.txt", "../other/manifest.json", "%2e%2e%2fx", "slides/../slides.pdf", "a//b"]
)
async def test_no_other_object_of_the_bucket_is_served(
    service: RunningService, stage: Stage, key: str
) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    stage.s3.put(stage.bucket, "other/manifest.json", b"{}")
    address = URL(stage.href(made, f"/files/{key}"), encoded=True)  # as it is, not tidied up
    async with service.client.get(address) as answer:
        assert answer.status == 404


async def test_pictures_are_for_those_who_are_signed_in(
    service: RunningService, stage: Stage
) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    picture = {"Accept": "image/webp,*/*"}
    async with aiohttp.ClientSession(headers=picture) as stranger:
        async with stranger.get(stage.href(made, "/cover")) as answer:
            assert answer.status == 401
        headers = {**picture, **service.headers}
        async with stranger.get(stage.href(made, "/cover"), headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "image/webp")


async def test_says_why_slides_cannot_be_shown(page: Page, stage: Stage) -> None:
    made = await stage.service.create(name="elsewhere")
    uri = "s3://another-bucket/url-elsewhere/01234567/manifest.json"
    await stage.finish("elsewhere", "Kept elsewhere", uri=uri)
    await page.goto(stage.href(made))
    await expect(page.get_by_role("note")).to_contain_text("another store")
    await expect(page.locator("#status")).to_contain_text("Completed")


async def test_a_store_that_hangs_holds_up_no_page(service: RunningService, stage: Stage) -> None:
    made = await stage.finished("done", TALK, "How slides are found")
    with stage.s3.frozen():
        async with service.client.get(stage.href(made)) as answer:
            assert answer.status == 200
            assert "The store does not answer" in await answer.text()


async def test_a_talk_without_slides_says_so(page: Page, stage: Stage) -> None:
    made = await stage.finished("none", TALK, "A film", slides=slice(0))
    await page.goto(stage.href(made))
    await expect(page.get_by_role("heading", name="No slides were found")).to_be_visible()
    await expect(page.locator("#timeline")).to_have_count(0)
