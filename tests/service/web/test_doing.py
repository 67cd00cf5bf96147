"""What people do with talks: start them, see them go on, change their minds."""

import pytest
from playwright.async_api import Page, expect

from slides_operator.kube.cache import Kind
from tests.service.conftest import until
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

URL = "https://example.com/talk.mp4"


def names(stage: Stage) -> list[str]:
    return [one.name for one in stage.service.parts.store.list(Kind.EXTRACTION).records]


async def test_a_talk_is_submitted_followed_and_its_slides_appear(page: Page, stage: Stage) -> None:
    await page.goto("/ui")
    await page.get_by_role("link", name="New talk").first.click()
    await page.get_by_label("Address of the video").fill(URL)
    await page.get_by_text("Options").click()
    await page.get_by_label("High").check()
    await page.get_by_role("button", name="Extract slides").click()
    await expect(page.locator("#status")).to_contain_text("Pending")
    (name,) = names(stage)
    made = await stage.service.api.request("GET", f"{stage.service.path()}/{name}")
    assert made["spec"]["outputs"]["slides"]["sensitivity"] == "high"

    progress = page.get_by_role("progressbar")
    for phase, percent, said in (
        ("Downloading", 12, "12 MB of 90 MB"),
        ("Extracting", 48, "Analyzing frames"),
        ("Extracting", 71, "Analyzing more frames"),
        ("Uploading", 90, "Storing slides"),
    ):
        await stage.report(name, "A talk", phase=phase, percent=percent, message=said)
        await expect(page.locator("#status")).to_contain_text(phase)
        await expect(progress).to_have_attribute("value", str(percent))
        await expect(page.locator("#message")).to_have_text(said)
    assert (await page.title()).startswith("90 % · ")

    await stage.finish(name, "A talk")
    await expect(page.locator(".slide")).to_have_count(len(stage.sample.manifest.slides))
    await expect(page.locator("#status")).to_contain_text("Completed")
    await page.locator(".picture").first.click()
    await expect(page.locator("#viewer")).to_be_visible()


async def test_slides_appear_also_where_no_stream_gets_through(page: Page, stage: Stage) -> None:
    await page.route("**/stream*", lambda route: route.abort())
    made = await stage.running("busy", URL, "A talk at work", percent=10)
    await page.goto(stage.href(made))
    await expect(page.locator("#status")).to_contain_text("Extracting")

    await stage.finish("busy", "A talk at work")
    await expect(page.locator(".slide")).to_have_count(len(stage.sample.manifest.slides))


async def test_the_list_moves_by_itself_and_keeps_the_focus(page: Page, stage: Stage) -> None:
    await stage.running("busy", URL, "A talk at work", percent=10, message="Looking")
    await page.goto("/ui")
    link = page.get_by_role("link", name="A talk at work")
    await link.focus()
    await stage.report("busy", "A talk at work", percent=64, message="Looking on")
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "64")
    await expect(link).to_be_focused()
    await stage.waiting("second", "https://example.com/second.mp4")
    await expect(page.locator(".talk")).to_have_count(2)
    await expect(page.locator(".talk h2").first).to_have_text("second.mp4")
    await stage.finish("busy", "A talk at work")
    await expect(page.locator(".filters")).to_contain_text("Completed 1")
    await expect(page.locator(".cover img")).to_have_count(1)


async def test_says_what_is_wrong_with_an_address_beside_it(page: Page, stage: Stage) -> None:
    await page.goto("/ui/new")
    address = page.get_by_label("Address of the video")
    await address.fill("file:///etc/passwd")
    await page.keyboard.press("Enter")
    await expect(page.locator("#url-error")).to_contain_text("no address of a video")
    await expect(address).to_have_attribute("aria-invalid", "true")
    await expect(address).to_have_value("file:///etc/passwd")
    await address.fill("https://user:pass@example.com/talk.mp4")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert names(stage) == []


async def test_a_form_sent_twice_makes_one_talk(page: Page, stage: Stage) -> None:
    await page.goto("/ui/new")
    await page.get_by_label("Address of the video").fill(URL)
    await page.get_by_label("Address of the video").press("Enter")
    await page.wait_for_url("**/ui/talks/*")
    await page.go_back()
    await page.get_by_label("Address of the video").fill(URL)
    await page.get_by_role("button", name="Extract slides").click()
    await page.wait_for_url("**/ui/talks/*")
    assert len(names(stage)) == 1


async def test_equal_work_is_joined_and_said_so(page: Page, stage: Stage) -> None:
    made = await stage.running("busy", URL, "A talk at work", percent=10)
    await page.goto("/ui/new")
    await page.get_by_label("Address of the video").fill(URL)
    await page.get_by_role("button", name="Extract slides").click()
    await page.wait_for_url(f"{stage.href(made)}?joined=yes")
    await expect(page.get_by_role("note")).to_contain_text("under way already")


async def test_cancelling_is_asked_about_in_place(page: Page, stage: Stage) -> None:
    made = await stage.running("busy", URL, "A talk at work", percent=10)
    await page.goto(stage.href(made))
    await page.get_by_role("link", name="Cancel").click()
    question = page.get_by_role("dialog", name="Cancel this extraction?")
    await question.get_by_role("link", name="Go on").click()
    await expect(question).to_be_hidden()
    await page.get_by_role("link", name="Cancel").click()
    await page.keyboard.press("Escape")
    await expect(question).to_be_hidden()

    await page.get_by_role("link", name="Cancel").click()
    await question.get_by_role("button", name="Cancel it").click()
    await expect(page.locator("#status")).to_be_visible()
    got = await stage.service.api.request("GET", f"{stage.service.path()}/busy")
    assert got["spec"]["cancel"] is True


async def test_what_failed_is_tried_again_or_deleted(page: Page, stage: Stage) -> None:
    made = await stage.failed("gone", URL, "A talk", reason="NetworkError", message="No route.")
    await page.goto(stage.href(made))
    await expect(page.locator("#status")).to_contain_text("NetworkError No route.")
    await page.get_by_role("link", name="Try again").click()
    await page.get_by_role("dialog").get_by_role("button", name="Try again").click()
    await page.wait_for_load_state()
    got = await stage.service.api.request("GET", f"{stage.service.path()}/gone")
    asked = got["metadata"]["annotations"]["slides-extractor.dev/retry-at"]
    await expect(page.locator("#message")).to_have_text("Another attempt was asked for.")

    await stage.report("gone", "A talk", percent=1, asked=asked)
    await expect(page.locator("#status")).to_contain_text("Extracting")
    await stage.fail("gone", "A talk", reason="NetworkError", message="Still none.", asked=asked)
    await expect(page.locator("#message")).to_have_text("Still none.")

    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await page.wait_for_url("**/ui")
    await until(lambda: not names(stage))


async def test_extract_again_fills_in_the_address(page: Page, stage: Stage) -> None:
    made = await stage.finished("done", URL, "A talk")
    await page.goto(stage.href(made))
    await page.get_by_role("link", name="Extract again").click()
    await expect(page.get_by_label("Address of the video")).to_have_value(URL)


async def test_events_and_log_come_once_they_are_in_sight(page: Page, stage: Stage) -> None:
    made = await stage.failed("gone", URL, "A talk", reason="NetworkError", message="No route.")
    meta = made["metadata"]
    event = {
        "metadata": {"name": "gone.1", "namespace": meta["namespace"]},
        "involvedObject": {
            "kind": "SlideExtraction",
            "namespace": meta["namespace"],
            "name": "gone",
            "uid": meta["uid"],
        },
        "reason": "AttemptFailed",
        "message": "Attempt 1 ended with NetworkError",
        "type": "Warning",
        "lastTimestamp": "2026-11-21T12:01:40Z",
        "count": 2,
    }
    place = f"/api/v1/namespaces/{meta['namespace']}/events"
    await stage.service.api.request("POST", place, body=event)
    await page.goto(stage.href(made))
    await page.get_by_role("heading", name="Events and log").scroll_into_view_if_needed()
    await expect(page.get_by_role("row", name="AttemptFailed")).to_contain_text(
        "\N{MULTIPLICATION SIGN}2"
    )
    await expect(page.locator(".log")).to_contain_text("Attempt 1 ended with NetworkError")
