"""Signatures that the reference library accepts, and keys that are no keys."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from slides_operator.errors import DeliveryError
from slides_operator.webhooks.signing import build_headers, read_keys

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 64).decode()
BODY = '{"data": {"title": "Über 日本"}}'.encode()


def secret(text: str) -> dict[str, str]:
    return {"webhook-secret": base64.b64encode(text.encode()).decode()}


def sign(text: str) -> dict[str, str]:
    keys = read_keys(secret(text), secret="hooks")
    return build_headers(keys, BODY, message_id="msg_1", now=datetime.now(UTC))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(f"{KEY}\n", id="with a line's end"),
        pytest.param(KEY.removeprefix("whsec_"), id="without prefix"),
        pytest.param(f"{OTHER}\n{KEY}\n", id="while keys are exchanged"),
    ],
)
def test_the_reference_library_verifies(text: str) -> None:
    assert Webhook(KEY).verify(BODY, sign(text))["data"]["title"] == "Über 日本"


def test_another_key_does_not() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, sign(KEY))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"webhook-secret": "%"}, id="not the API server's base64"),
        pytest.param(secret(""), id="empty"),
        pytest.param(secret("correct horse battery staple"), id="a password"),
        pytest.param(secret("whsec_" + base64.b64encode(b"k" * 23).decode()), id="too short"),
        pytest.param(secret("whsec_" + base64.b64encode(b"k" * 65).decode()), id="too long"),
        pytest.param(secret("schlüssel"), id="not ASCII"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(data: dict[str, str]) -> None:
    with pytest.raises(DeliveryError) as refused:
        read_keys(data, secret="hooks")

    assert refused.value.message.startswith("Secret hooks cannot be used: ")
    assert "horse" not in refused.value.message


def test_without_a_key_there_is_no_signature() -> None:
    headers = build_headers((), BODY, message_id="msg_1", now=datetime.now(UTC))

    assert set(headers) == {"webhook-id", "webhook-timestamp"}
