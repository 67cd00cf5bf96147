"""The name and password that a source wants."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from slides_runner.errors import InvalidSpecError
from slides_runner.settings import RunnerSettings


@dataclass(frozen=True)
class Login:
    """A name and its password."""

    username: str
    password: str = field(repr=False)


def read_login(settings: RunnerSettings) -> Login | None:
    """Return the login of the settings. Raises InvalidSpecError for half of one."""
    username, password = settings.source_username, settings.source_password
    if username is None and password is None:
        return None
    if username is None or password is None:
        raise InvalidSpecError(
            "A source's login needs both a username and a password.",
            hint="Give both, as SOURCE_USERNAME and SOURCE_PASSWORD or in the source's Secret.",
        )
    return Login(username, password.get_secret_value())


def with_login(url: str, login: Login | None) -> str:
    """Return an http(s) URL with the login in it, unless it names one itself (RFC 3986 3.2.1).

    Such a URL is never shown: `redaction.public_url` leaves the login out.
    """
    parts = urlsplit(url)
    if login is None or "@" in parts.netloc:
        return url
    userinfo = f"{quote(login.username, safe='')}:{quote(login.password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
