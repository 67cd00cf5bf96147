"""The clients that the seeds print for browsers, run there word for word."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.service.conftest import until
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

SEEDS = Path(__file__).parents[2] / "data"
URL = "youtube:dQw4w9WgXcQ"


def heard(page: Page) -> list[str]:
    """Return what the page's console says from now on."""
    lines: list[str] = []
    page.on("console", lambda told: lines.append(told.text))
    return lines


async def test_seed_002s_event_source_follows_a_job_to_its_end(page: Page, stage: Stage) -> None:
    await stage.running(
        "busy",
        URL,
        "A talk",
        message="Analyzing frames: 12 segments detected",
        frameCount=2400,
        currentFrame=1200,
    )
    await page.goto("/ui")
    lines = heard(page)
    client = (SEEDS / "seed002" / "client.js").read_text()
    await page.evaluate(f"(videoId) => {{ {client} }}", "dQw4w9WgXcQ")
    await until(lambda: len(lines) >= 2)
    assert lines == [
        "Status: extracting - Analyzing frames: 12 segments detected",
        "Frame analysis: 50% (1200/2400 frames)",
    ]
    await stage.report(
        "busy", "A talk", phase="Uploading", message="Storing", slidesProcessed=2, totalSlides=8
    )
    await until(lambda: "Upload: 25% (2/8 slides)" in lines)
    uri = "s3://bucket/youtube-dQw4w9WgXcQ/01234567/manifest.json"
    await stage.finish("busy", "A talk", uri=uri)
    await until(lambda: lines[-1] == f"Job completed! Metadata: {uri}")


async def test_seed_002s_event_source_is_told_why_a_job_failed(page: Page, stage: Stage) -> None:
    await stage.failed("gone", URL, "", reason="PrivateVideo", message="The video is private.")
    other = await page.context.new_page()  # on which an error in the console is no complaint
    await other.goto("/ui")
    lines = heard(other)
    client = (SEEDS / "seed002" / "client.js").read_text()
    await other.evaluate(f"(videoId) => {{ {client} }}", "dQw4w9WgXcQ")
    await until(lambda: "Job failed: The video is private." in lines)


async def test_seed_003s_web_socket_follows_a_job(page: Page, stage: Stage) -> None:
    made = await stage.running("busy", URL, "A talk", percent=45, message="Looking")
    await page.goto("/ui")
    lines = heard(page)
    place = stage.service.url.replace("http:", "ws:")
    client = (SEEDS / "seed003" / "client.js").read_text()
    address = "ws://localhost:8000/ws/550e8400-e29b-41d4-a716-446655440000"
    assert address in client
    client = client.replace(address, f"{place}/ws/{made['metadata']['uid']}")
    await page.evaluate(f"() => {{ {client} }}")
    await until(lambda: any(line.startswith("Initial status:") for line in lines))
    assert lines[0] == "WebSocket connected"
    await stage.report("busy", "A talk", percent=64, message="Looking on")
    await until(lambda: "Progress: 64%" in lines)
    assert lines[lines.index("Progress: 64%") + 1] == "Status: processing"
