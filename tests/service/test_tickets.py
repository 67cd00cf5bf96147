"""Signed claims: taken only as they were given, for what they were given, while they hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_operator.errors import SettingsError
from slides_operator.service.tickets import Purpose, Signer, TooLongError

KEY = "a-key-of-more-than-16"
NEWER = "another-key-of-enough"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def signer(keys: str = KEY, *, now: datetime = NOW) -> Signer:
    return Signer(keys, lambda: now)


def test_claims_come_back_as_they_were_signed() -> None:
    ticket, expires_at = signer().sign(Purpose.TICKET, {"path": "/jobs/a"}, lifetime_s=60)

    assert expires_at == NOW + timedelta(seconds=60)
    assert signer().read(Purpose.TICKET, ticket) == {"path": "/jobs/a"}


def test_claims_end_when_they_say() -> None:
    ticket, expires_at = signer().sign(Purpose.TICKET, {}, lifetime_s=60)

    just_before = signer(now=expires_at - timedelta(seconds=1))
    assert just_before.read(Purpose.TICKET, ticket) == {}
    assert signer(now=expires_at).read(Purpose.TICKET, ticket) is None


def test_a_ticket_is_no_session() -> None:
    ticket, _ = signer().sign(Purpose.TICKET, {}, lifetime_s=60)

    assert signer().read(Purpose.SESSION, ticket) is None


@pytest.mark.parametrize("place", [0, 5, -1, -5])
def test_one_other_character_spoils_it(place: int) -> None:
    ticket, _ = signer().sign(Purpose.TICKET, {"path": "/jobs/a"}, lifetime_s=60)
    letters = list(ticket)
    letters[place] = "A" if letters[place] != "A" else "B"
    if place == -1:  # the last letter of 32 bytes carries two spare bits
        letters[place] = "_" if ticket[-1] not in "89_-" else "A"

    assert signer().read(Purpose.TICKET, "".join(letters)) is None


@pytest.mark.parametrize(
    "nonsense", ["", ".", "a.b", "a.ä", "\udcff.\udcff", "a" * 5000, "a.b.c", "a." + "A" * 43]
)
def test_nonsense_is_refused(nonsense: str) -> None:
    assert signer().read(Purpose.TICKET, nonsense) is None


@given(st.text(max_size=60) | st.text(alphabet="Aa0-_=.", max_size=60))
def test_whatever_is_sent_is_read_as_nothing(sent: str) -> None:
    assert signer().read(Purpose.TICKET, sent) is None


def test_keys_change_without_spoiling_what_was_given() -> None:
    old, _ = signer(KEY).sign(Purpose.TICKET, {}, lifetime_s=60)
    new, _ = signer(f"{NEWER}, {KEY}").sign(Purpose.TICKET, {}, lifetime_s=60)

    assert signer(f"{NEWER}, {KEY}").read(Purpose.TICKET, old) == {}
    assert signer(NEWER).read(Purpose.TICKET, new) == {}
    assert signer(NEWER).read(Purpose.TICKET, old) is None


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{KEY},short"])
def test_a_key_that_could_be_guessed_is_refused(keys: str) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        signer(keys)


def test_what_no_url_can_carry_is_not_signed() -> None:
    many = {"groups": [f"{number:x}-{number * 7919:x}" for number in range(2000)]}

    with pytest.raises(TooLongError):
        signer().sign(Purpose.TICKET, many, lifetime_s=60)


def test_a_fingerprint_names_a_secret_by_any_of_the_keys() -> None:
    fingerprint = signer(KEY).fingerprint("geheim")

    assert "geheim" not in fingerprint
    assert signer(f"{NEWER},{KEY}").is_of(fingerprint, "geheim")
    assert not signer(KEY).is_of(fingerprint, "anders")
    assert not signer(NEWER).is_of(fingerprint, "geheim")
