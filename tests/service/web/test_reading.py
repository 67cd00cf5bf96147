"""What can be read and done without a script, and who may."""

import aiohttp
import pytest
from playwright.async_api import expect

from slides_operator.kube.cache import Kind
from tests.service.accounts import make_account
from tests.service.conftest import PASSWORD, RunningService, StartService
from tests.service.web.conftest import OpenPage
from tests.service.web.talks import Stage

pytestmark = pytest.mark.api

URL = "https://example.com/talk.mp4"
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>\' & \u202eevil'


async def test_without_scripts_everything_can_be_read_and_done(
    open_page: OpenPage, stage: Stage
) -> None:
    await stage.finished("done", URL, "How slides are found")
    running = await stage.running("busy", URL, "A talk at work", percent=42, message="Looking")
    async with open_page(java_script_enabled=False) as page:
        await page.goto("/ui")
        await expect(page.locator(".talk")).to_have_count(2)
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "42")

        await page.get_by_role("link", name="How slides are found").click()
        await expect(page.locator(".slide")).to_have_count(len(stage.sample.manifest.slides))
        await expect(page.get_by_role("row", name="Completed")).to_contain_text("1 min 40 s")
        await page.get_by_role("link", name="Show events and log").click()
        await expect(page.locator(".log")).to_contain_text("Attempt 1 started on node-a")

        await page.goto(stage.href(running))
        await page.get_by_role("link", name="Cancel").click()
        await expect(page.get_by_role("heading", name="Cancel this extraction?")).to_be_visible()
        await page.get_by_role("button", name="Cancel it").click()
        await page.wait_for_url(stage.href(running))
    name = f"{stage.service.path()}/busy"
    assert (await stage.service.api.request("GET", name))["spec"]["cancel"] is True


async def test_finds_talks_by_state_and_words(open_page: OpenPage, stage: Stage) -> None:
    for n in range(27):
        await stage.waiting(f"lecture-{n:02d}", f"https://example.com/week-{n:02d}.mp4")
    await stage.failed(
        "gone", "youtube:dQw4w9WgXcQ", "", reason="PrivateVideo", message="The video is private."
    )
    async with open_page(java_script_enabled=False) as page:
        await page.goto("/ui")
        await expect(page.locator(".talk")).to_have_count(25)
        await page.get_by_role("link", name="Older").click()
        await expect(page.locator(".talk")).to_have_count(3)
        await expect(page.get_by_text("Page 2 of 2")).to_be_visible()

        await page.get_by_role("link", name="Failed 1").click()
        await expect(page.locator(".talk")).to_have_count(1)
        await expect(page.locator(".talk")).to_contain_text("The video is private.")

        await page.get_by_role("link", name="Waiting 27").click()
        await page.get_by_label("Search talks").fill("WEEK-1")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".talk")).to_have_count(10)
        await expect(page.locator("[aria-current]")).to_have_text("Waiting 27")

        await page.get_by_label("Search talks").fill("nothing like it")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Show all talks").click()
        await expect(page.locator(".talk")).to_have_count(25)


async def test_a_batch_shows_its_own_talks(open_page: OpenPage, stage: Stage) -> None:
    await stage.waiting("alone", URL)
    items = [{"name": "one", "url": "https://example.com/1.mp4"}]
    made = await stage.service.create({"items": items}, name="term", kind=Kind.BATCH)
    labels = {"slides-extractor.dev/batch": made["metadata"]["uid"]}
    await stage.service.create(name="term-one", labels=labels)
    async with open_page() as page:
        await page.goto(f"/ui?batch={made['metadata']['uid']}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Batch term")
        await expect(page.locator(".talk")).to_have_count(1)
        await expect(page.locator(".filters")).to_contain_text("Waiting 1")
        await page.get_by_role("link", name="talk.mp4").click()
        await page.get_by_role("link", name="Batch term").click()
        await page.wait_for_url(f"**/ui?batch={made['metadata']['uid']}")


async def test_namespaces_are_chosen_from_where_there_are_several(
    start_service: StartService, namespace: str
) -> None:
    async with start_service(watch_namespaces=f"{namespace},default") as service:
        await service.create(name="here")
        async with service.client.get(f"{service.url}/ui") as answer:
            here = await answer.text()
        async with service.client.get(f"{service.url}/ui?namespace=default") as answer:
            there = await answer.text()
    assert f"<option selected>{namespace}</option><option>default</option>" in here
    assert "<option selected>default</option>" in there
    assert ("talk-" in here, "talk-" in there) == (True, False)


async def test_what_others_wrote_is_shown_and_never_run(open_page: OpenPage, stage: Stage) -> None:
    made = await stage.failed("evil", f"{URL}?{EVIL}", EVIL, reason="NetworkError", message=EVIL)
    async with open_page() as page:
        opened: list[str] = []
        page.on("dialog", lambda dialog: opened.append(dialog.message))
        for address in ("/ui", stage.href(made), stage.href(made, "/activity")):
            await page.goto(address, wait_until="networkidle")
            await expect(page.locator("h1, h2").filter(has_text="<img src=x").first).to_be_visible()
            assert await page.locator("img[src=x]").count() == 0
        assert opened == []


async def test_strangers_sign_in_first_and_come_to_where_they_wanted(
    open_page: OpenPage, stage: Stage
) -> None:
    made = await stage.waiting("secret", URL)
    async with open_page(signed_in=False) as page:
        await page.goto(stage.href(made))
        await expect(page).to_have_title("Sign in · Slides Extractor")
        await page.get_by_label("Password").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("neither the password")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(stage.href(made))

        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_title("Sign in · Slides Extractor")
        await page.goto("/ui")
        await expect(page).to_have_title("Sign in · Slides Extractor")


@pytest.mark.parametrize(
    ("verbs", "want"), [(("get", "list"), False), (("get", "list", "delete"), True)]
)
async def test_buttons_are_for_those_who_may(
    service: RunningService, stage: Stage, verbs: tuple[str, ...], *, want: bool
) -> None:
    made = await stage.failed("gone", URL, "", reason="NetworkError", message="No route.")
    reader = await make_account(service.cluster, service.namespace, *verbs)
    async with service.stranger.get(stage.href(made), headers=reader.headers) as answer:
        text = await answer.text()
    assert ('id="delete"' in text, 'id="retry"' in text) == (want, False)


async def test_the_session_is_out_of_reach_of_scripts_and_other_sites(
    open_page: OpenPage, service: RunningService
) -> None:
    async with open_page() as page:
        await page.goto("/ui")
        (cookie,) = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert await page.evaluate("document.cookie") == ""
        jar = {cookie["name"]: cookie["value"]}
    async with (
        aiohttp.ClientSession(cookies=jar, headers={"Origin": "https://evil.example"}) as other,
        other.post(f"{service.url}/ui/new", data={"url": URL}) as answer,
    ):
        assert answer.status == 403
    assert service.parts.store.list(Kind.EXTRACTION).total == 0


async def test_nothing_is_loaded_from_elsewhere(service: RunningService) -> None:
    async with service.client.get(f"{service.url}/ui") as answer:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in part or "http" in part or "*" in part for part in policy)


async def test_a_list_is_sent_again_only_once_it_differs(
    service: RunningService, stage: Stage
) -> None:
    await stage.waiting("first", URL)
    async with service.client.get(f"{service.url}/ui") as answer:
        known = {"If-None-Match": answer.headers["ETag"]}
    async with service.client.get(f"{service.url}/ui?q=x", headers=known) as answer:
        assert answer.status == 200
    async with service.client.get(f"{service.url}/ui", headers=known) as answer:
        # Times are told by the minute: at its turn the page differs.
        assert answer.status == 304 or answer.headers["ETag"] != known["If-None-Match"]
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    await stage.report("first", "A talk", percent=1)
    async with service.client.get(f"{service.url}/ui", headers=known) as answer:
        assert answer.status == 200


async def test_page_needs_no_sign_in_where_the_service_is_open(
    start_service: StartService, chromium: str
) -> None:
    async with start_service(insecure=True, environment="development") as service:
        async with service.stranger.get(f"{service.url}/ui") as answer:
            text = await answer.text()
        assert answer.status == 200
        assert "Sign out" not in text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ui/talks/nothing", 404), ("/ui/nothing", 404), ("/ui?namespace=elsewhere", 404)],
)
async def test_browsers_are_told_of_problems_by_a_page_and_programs_in_json(
    service: RunningService, path: str, status: int
) -> None:
    for accept, media_type in (
        ("text/html", "text/html"),
        ("application/json", "application/problem+json"),
    ):
        async with service.client.get(service.url + path, headers={"Accept": accept}) as answer:
            assert (answer.status, answer.content_type) == (status, media_type)


async def test_files_are_kept_for_good_under_the_digest_of_this_version(
    service: RunningService,
) -> None:
    async with service.stranger.get(f"{service.url}/ui/login") as answer:
        sheet = (await answer.text()).partition('rel="stylesheet" href="')[2].partition('"')[0]
    async with service.stranger.get(service.url + sheet) as answer:
        assert (answer.status, answer.content_type) == (200, "text/css")
        assert "immutable" in answer.headers["Cache-Control"]
    other = sheet.replace(sheet.split("/")[3], "older")
    async with service.stranger.get(service.url + other) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
