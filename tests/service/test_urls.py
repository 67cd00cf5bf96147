"""URLs that callers name: what may be followed, and that nobody is told more than that."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slides_api.v1alpha1.source import LONGEST_URL
from slides_operator.addresses import LookUp
from slides_operator.service.problems import ProblemError
from slides_operator.service.urls import HINT, check_text, check_url, check_urls

PUBLIC = "93.184.215.14"


def dns(*addresses: str) -> LookUp:
    """Return a resolver that answers so to every name, and an address by itself."""

    async def resolve(host: str) -> list[str]:
        return [host] if host.replace(".", "").isdecimal() or ":" in host else list(addresses)

    return resolve


async def refusal(url: str, *addresses: str, web_only: bool = False) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await check_url(url, resolve=dns(*(addresses or (PUBLIC,))), web_only=web_only)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://talks.example:8080/a.mp4?token=x#t=5",
        "https://8.8.8.8/a.mp4",
        "https://[2606:4700:4700::1111]/a.mp4",
        "https://b\u00fccher.example/a.mp4",
        "HTTPS://TALKS.EXAMPLE./a",
        "https://talks.example/\u00fcbung@home.mp4",
        "youtube:dQw4w9WgXcQ",
        "instagram:CxYz_12-3",
        "s3://talks/2026/a b.mp4",
    ],
)
async def test_what_leads_to_the_public_passes(url: str) -> None:
    await check_url(url, resolve=dns(PUBLIC))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://127.0.0.1./",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://100.64.0.1/",
        "http://localhost/",
        "http://localhost./",
        "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://kubernetes/",
        "http://kubernetes.default.svc/",
        "http://minio.storage.svc.cluster.local/",
    ],
)
async def test_private_hosts_are_refused_in_every_notation(url: str) -> None:
    problem = await refusal(url)

    assert problem.status == 422
    assert "refused" in problem.detail


async def test_a_name_with_one_private_address_is_refused() -> None:
    problem = await refusal("https://rebind.example/a.mp4", PUBLIC, "10.0.0.1")

    assert "it resolves to 10.0.0.1, a private address" in problem.detail


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://talks.example/a",
        "gopher://talks.example/",
        "data:text/plain,x",
        "//talks.example/a",
        "http://",
        "http:///a",
        "https://talks.example:port/",
        "https://talks.example:99999/",
        "http://[::1/",
        "http://127.0.0.1\\@talks.example/",
        "http://talks.example/\r\nHost: x",
        "http://talks.example\t/",
        "http://talks example/",
        "youtube:short",
        "youtube:dQw4w9WgXcQ\n",
        "instagram:",
        "s3://",
        "s3://bucket",
        "s3://../secret",
    ],
)
async def test_what_cannot_be_followed_is_refused(url: str) -> None:
    problem = await refusal(url)

    assert problem.status == 422
    assert "Give an http(s) URL, s3://bucket/key" in problem.detail


async def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    problem = await refusal("https://ann:geheim@talks.example/a?token=geheim")

    assert "belong into a Secret" in problem.detail
    assert "geheim" not in problem.detail
    assert "ann" not in problem.detail


async def test_a_refusal_repeats_neither_path_nor_query() -> None:
    problem = await refusal("https://10.0.0.1/secret-path?token=geheim")

    assert "https://10.0.0.1" in problem.detail
    assert "secret-path" not in problem.detail


@pytest.mark.parametrize("start", ["https://talks.example/", "s3://talks/"])
async def test_a_url_that_is_too_long_is_refused(start: str) -> None:
    longest = start + "a" * (LONGEST_URL - len(start))
    await check_url(longest, resolve=dns(PUBLIC))

    assert "at most 4096" in (await refusal(longest + "a")).detail
    with pytest.raises(ProblemError, match="at most 4096"):
        await check_urls([longest + "a"])


@pytest.mark.parametrize("url", ["youtube:dQw4w9WgXcQ", "s3://talks/a.mp4", "instagram:CxYz123"])
async def test_a_callback_needs_a_web_address(url: str) -> None:
    assert (await refusal(url, web_only=True)).detail.endswith("Give an http(s) URL.")


async def test_private_addresses_pass_when_they_are_allowed() -> None:
    await check_url("http://127.0.0.1:9000/a.mp4", allow_private=True)
    await check_url("http://localhost:9000/a.mp4", allow_private=True)


async def test_a_name_that_nobody_knows_here_is_left_to_who_connects() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    await check_url("https://behind-the-proxy.invalid/a.mp4")


async def test_the_status_is_that_of_the_route() -> None:
    with pytest.raises(ProblemError) as caught:
        await check_url("x", status=400)

    assert caught.value.status == 400


async def test_of_many_urls_each_host_is_looked_up_once() -> None:
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    urls = [f"https://host-{number % 3}.example/{number}" for number in range(1000)]
    await check_urls([*urls, "youtube:dQw4w9WgXcQ"], resolve=resolve)

    assert sorted(asked) == ["host-0.example", "host-1.example", "host-2.example"]


async def test_one_private_url_among_many_refuses_all() -> None:
    urls = ["https://a.example/", "https://127.0.0.1/", "https://[::1]/"]

    with pytest.raises(ProblemError, match="loopback"):
        await check_urls(urls, resolve=dns(PUBLIC))


PIECES = st.sampled_from(["http://", "https://", "@", "[", "]", "%", "\\", "#", ":", "//", "s3://"])
LETTERS = st.text(alphabet=st.characters() | st.sampled_from(string.printable), max_size=8)


@given(st.lists(PIECES | LETTERS, max_size=8).map("".join))
@example("http://\u2100.example/")  # urlsplit refuses it: the letter stands for "a/c"
@example("http://[v1.x]/")
def test_whatever_is_sent_passes_or_is_refused_and_nothing_else(url: str) -> None:
    host, refused = "", ""
    try:
        host = check_text(url)
    except ProblemError as e:
        refused = e.detail

    if refused:
        assert refused.endswith((HINT, "belong into a Secret."))
    else:
        assert host or url.startswith(("s3://", "youtube:", "instagram:"))
        assert not set(host) & set("/\\@#?")
