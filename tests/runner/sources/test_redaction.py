"""What is cut out of URLs and messages, and what stays."""

import pytest

from slides_runner.sources.redaction import identity_url, public_url, redact


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("https://ann:pw@x.example/a?b=1#frag", "https://x.example/a?b=1"),
        ("https://ann@x.example:8443/a", "https://x.example:8443/a"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=s&X-Amz-Credential=c&v=2",
            "https://b.s3.amazonaws.com/k?v=2",
        ),
        ("https://x.example/?sig=s&token=t&id=7&list=a%26b", "https://x.example/?id=7&list=a%26b"),
        ("https://www.youtube.com/watch?v=abc&t=5", "https://www.youtube.com/watch?v=abc&t=5"),
    ],
)
def test_public_url_drops_credentials_and_signatures(url: str, want: str) -> None:
    assert public_url(url) == want


def test_identity_ignores_who_signed_and_when_but_not_what_names_the_video() -> None:
    signed = "https://x.example/talk?X-Amz-Signature={}&Expires={}&token=episode-{}"

    assert identity_url(signed.format("a", 1, 7)) == identity_url(signed.format("b", 2, 7))
    assert identity_url(signed.format("a", 1, 7)) != identity_url(signed.format("a", 1, 8))


@pytest.mark.parametrize(
    "text",
    [
        "Cannot connect to http://ann:geheim@proxy.example:8011/",
        "Cannot connect to ann:geheim@proxy.example:8011",
        "proxy 'geheim:@api.example:8011' failed at http://geheim:@api.example:8011",
        "url: /talk.mp4?v=1&X-Amz-Signature=geheim (Caused by nothing)",
        "https://x.example/?token=geheim failed",
        "socks5h://ann:ge@geheim@proxy.example:1080",
    ],
)
def test_messages_lose_their_secrets_and_keep_their_sense(text: str) -> None:
    shown = redact(text)

    assert "geheim" not in shown
    assert "example" in shown or "/talk.mp4?v=1" in shown


def test_plain_text_is_left_alone() -> None:
    text = "Reading s3://bucket/key at 12:30: see https://x.example/a?b=c, ann@x.example"

    assert redact(text) == text
