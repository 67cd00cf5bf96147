import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from slides_api.manifest import Chapter
from slides_api.v1alpha1 import Document, Outputs, SlidesOutput
from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.report import INLINE_BYTES, build_view, render, write_report
from slides_runner.outputs.slide_images import write_slides
from tests.runner.outputs.talks import DETECTION, INFO, open_talk, with_slides

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)> \" ' & {{ 7*7 }}"


class Page(HTMLParser):
    """What a browser finds in a page: elements with attributes, in order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        """What a reader sees, without style and script."""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] not in {"style", "script"}:
            self.text += data

    def all(self, tag: str, css_class: str = "") -> list[dict[str, str]]:
        wanted = set(css_class.split())
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and wanted <= set(attributes.get("class", "").split())
        ]


def page_of(talk: Talk) -> Page:
    return Page(render(build_view(talk, write_slides(talk))))


def with_info(talk: Talk, **changes: Any) -> Talk:
    return replace(talk, media=replace(talk.media, info=replace(INFO, **changes)))


def test_loads_nothing_from_anywhere(talk: Talk) -> None:
    page = page_of(talk)
    assert page.all("link") == []
    sources = [a["src"] for tag, a in page.elements if "src" in a and tag != "a"]
    assert sources
    assert all(s.startswith("data:image/webp;base64,") for s in sources if s)
    assert not re.search(r"url\((?!#)", render(build_view(talk, write_slides(talk))))


def test_policy_names_exactly_the_pages_own_style_and_script(talk: Talk) -> None:
    html = render(build_view(talk, write_slides(talk)))
    (policy,) = [m["content"] for m in Page(html).all("meta") if "http-equiv" in m]
    for kind, content in (
        ("style", re.findall(r"<style>(.*?)</style>", html, re.DOTALL)),
        ("script", re.findall(r"<script>(.*?)</script>", html, re.DOTALL)),
    ):
        (text,) = content
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_nothing_in_the_page_needs_what_the_policy_forbids(talk: Talk) -> None:
    for _, attributes in page_of(talk).elements:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


@pytest.mark.parametrize("field", ["title", "uploader"])
def test_hostile_words_stay_words(talk: Talk, field: str) -> None:
    page = page_of(with_info(talk, **{field: HOSTILE}))
    assert len(page.all("script")) == 2, "the data and the page's own"
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert "alert(1)" in page.text
    assert "{{ 7*7 }}" in page.text


def test_hostile_chapters_and_warnings_stay_words(talk: Talk) -> None:
    hostile = with_info(talk, chapters=(Chapter(start=0, title=HOSTILE),))
    hostile = replace(hostile, detection=replace(DETECTION, warnings=(("X", HOSTILE),)))
    assert len(page_of(hostile).all("script")) == 2


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "s3://b/k", None])
def test_links_only_to_the_web(talk: Talk, url: str | None) -> None:
    links = {a.get("href", "") for a in page_of(with_info(talk, url=url)).all("a")}
    outside = {link for link in links if not link.startswith(("#", "slides/"))}
    assert outside == {"", "slides.pdf", "manifest.json", "video_segments.json"}


def test_lone_surrogates_of_a_title_do_not_break_the_file(talk: Talk, slide_set: SlideSet) -> None:
    report = write_report(with_info(talk, title="bad \ud800 title"), slide_set)
    assert "bad ? title" in report.path.read_text("utf-8")


def test_shows_every_slide_with_picture_times_and_steps(talk: Talk) -> None:
    page = page_of(talk)
    assert [card["id"] for card in page.all("li", "card")] == ["slide-1", "slide-2"]
    pictures = [a["href"] for a in page.all("a", "picture")]
    assert pictures == ["slides/0001.webp", "slides/0002.webp"]
    times = [a["href"] for a in page.all("a", "time") if "href" in a]
    assert [time.rpartition("t=")[2] for time in times] == ["0s", "4s", "2s"]
    assert len(page.all("details")) == 2, "one slide with steps, and how it was made"
    assert "1 build step" in page.text
    assert len(page.all("span", "unsure")) == 1


def test_every_picture_has_words_for_it(talk: Talk) -> None:
    cards = [image for image in page_of(talk).all("img") if image.get("src")]
    assert len(cards) == 3
    assert all(image["alt"].startswith("Slide ") for image in cards)


def test_times_of_a_local_video_are_there_to_copy(talk: Talk) -> None:
    page = page_of(with_info(talk, url=None))
    assert [b["data-copy"] for b in page.all("button", "time")] == ["0:00", "0:04", "0:02"]


def test_timeline_has_bars_hatching_curve_and_threshold(talk: Talk) -> None:
    page = page_of(talk)
    assert [bar["data-slide"] for bar in page.all("rect", "bar")] == ["1", "2", "1"]
    assert len([r for r in page.all("rect") if r.get("fill") == "url(#hatch)"]) == 1
    assert len(page.all("path", "curve")) == len(page.all("line", "threshold")) == 1


def test_chapters_hold_the_slides_that_begin_in_them_and_name_returns(talk: Talk) -> None:
    chapters = tuple(Chapter(start=s, title=t) for s, t in ((0, "One"), (3.9, "Two"), (7, "Three")))
    view = build_view(with_info(talk, chapters=chapters), write_slides(talk))
    groups = [(g.title, [s.index for s in g.slides], g.again) for g in view.groups]
    assert groups == [("One", [1, 2], ()), ("Two", [], (1,)), ("Three", [], ())]
    assert [(e.clock, e.title) for e in view.contents] == [
        ("0:00", "One"),
        ("0:03", "Two"),
        ("0:07", "Three"),
    ]


def test_slides_before_the_first_chapter_have_a_place(talk: Talk) -> None:
    late = with_info(talk, chapters=(Chapter(start=1, title="One"),))
    groups = build_view(late, write_slides(talk)).groups
    assert [g.title for g in groups] == ["Before the first chapter", "One"]


def test_without_chapters_every_showing_can_be_clicked(talk: Talk) -> None:
    contents = build_view(talk, write_slides(talk)).contents
    assert [(e.anchor, e.clock) for e in contents] == [
        ("slide-1", "0:00"),
        ("slide-2", "0:02"),
        ("slide-1", "0:04"),
    ]


def test_every_link_within_the_page_leads_somewhere(talk: Talk) -> None:
    chapters = (Chapter(start=3, title="One"),)
    page = page_of(with_info(talk, chapters=chapters))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    targets = {a["href"][1:] for a in page.all("a") if a.get("href", "").startswith("#")}
    assert targets <= ids


def test_talk_without_slides_says_so(video: Path, tmp_path: Path) -> None:
    page = page_of(open_talk(video, tmp_path, detection=with_slides()))
    assert "No slides were found" in page.text
    assert page.all("li", "card") == []


def test_warnings_stand_at_the_top(talk: Talk) -> None:
    warned = replace(talk, detection=replace(DETECTION, warnings=(("VideoTruncated", "Cut."),)))
    page = page_of(warned)
    assert "VideoTruncated" in page.text
    assert page.text.index("VideoTruncated") < page.text.index("slides, a colour each")


def test_names_only_files_that_are_made(talk: Talk) -> None:
    no_pdf = Outputs(slides=SlidesOutput(documents=(Document.HTML,)))
    keys = [
        file.key for file in build_view(replace(talk, options=no_pdf), write_slides(talk)).files
    ]
    assert keys == ["manifest.json", "video_segments.json"]


def test_thumbnails_beyond_the_budget_are_referred_to(
    talk: Talk, slide_set: SlideSet, tmp_path: Path
) -> None:
    first, second = (slide.image.key for slide in slide_set.slides)
    large = tmp_path / "large.webp"
    large.write_bytes(bytes(INLINE_BYTES))
    view = build_view(talk, replace(slide_set, thumbnails={**slide_set.thumbnails, second: large}))
    assert view.slides[0].thumbnail.startswith("data:")
    assert view.slides[1].thumbnail == second
    assert len(render(view)) < INLINE_BYTES
    assert first != second


def test_four_hundred_slides_stay_small(talk: Talk, slide_set: SlideSet) -> None:
    thumbnail = slide_set.thumbnails["slides/0001.webp"]
    first = slide_set.slides[0]
    slides = tuple(
        first.model_copy(
            update={
                "index": n,
                "image": first.image.model_copy(update={"key": f"slides/{n:04d}.webp"}),
                "builds": first.builds * 5,
            }
        )
        for n in range(1, 401)
    )
    thumbnails = {**slide_set.thumbnails, **{s.image.key: thumbnail for s in slides}}
    many = SlideSet(slides, slide_set.files, thumbnails)
    report = write_report(talk, many)
    assert report.path.stat().st_size < 6_000_000
    assert report.path.read_text().count('class="card"') == 400


def test_same_talk_gives_the_same_page(video: Path, tmp_path: Path) -> None:
    pages = [
        render(build_view(talk, write_slides(talk)))
        for talk in (open_talk(video, tmp_path / name) for name in ("a", "b"))
    ]
    assert pages[0] == pages[1]
