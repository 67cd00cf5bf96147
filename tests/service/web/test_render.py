import re
from pathlib import Path

import pytest

from slides_operator.service.web.render import FOLDER, Site, asset_path, assets, digest, page
from slides_operator.service.web.session import is_home

TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
SCRIPTS = sorted((FOLDER / "static").glob("*.js"))


def test_whatever_is_said_is_escaped() -> None:
    evil = "</title><script>alert(1)</script>\"'&"
    body = page("error.html", Site(name=evil), title=evil, detail=evil, status=404).body
    assert isinstance(body, bytes)
    assert b"<script>alert" not in body
    assert body.count(b"&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;") == 6


def test_half_a_surrogate_pair_breaks_no_page() -> None:
    body = page("error.html", Site(name="x"), title="a\ud800b", detail="", status=404).body
    assert isinstance(body, bytes)
    assert b"a?b" in body


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_nothing_that_the_policy_refuses(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<style|javascript:|\|\s*safe", text)
    assert all("asset(" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_text_and_never_markup(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)
    assert not re.search(r"https?://", text)


def test_the_sheet_loads_nothing() -> None:
    assert not re.search(rb"url\(|@import|@font-face", assets()["page.css"].body)


def test_files_have_the_digest_of_all_of_them_in_their_address() -> None:
    assert asset_path("page.css") == f"/ui/static/{digest()}/page.css"


@pytest.mark.parametrize(
    ("place", "want"),
    [
        ("/ui", True),
        ("/ui/talks/1?namespace=a", True),
        ("/uix", False),
        ("/docs", False),
        ("//evil.example/ui", False),
        ("https://evil.example/ui", False),
        ("/\\evil.example/ui", False),
        ("/ui/\\evil", False),
        ("/ui\n", False),
        ("", False),
        ("http://[/ui", False),
    ],
)
def test_a_sign_in_leads_to_our_own_pages_alone(place: str, want: bool) -> None:
    assert is_home(place) is want
