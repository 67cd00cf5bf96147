"""TLS: certificates are checked everywhere but behind Zyte's proxy, which shows its own."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import NetworkError
from slides_runner.sources import Source, open_source
from slides_runner.sources.egress import Egress, Hop, Route
from slides_runner.sources.patience import Patience
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.forward_proxy import ForwardProxy
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server

BODY = bytes(range(256)) * 400
URL = "https://talks.example/talk.mp4"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes certificates")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for talks.example that nobody signed."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    name = "-subj /CN=talks.example -addext subjectAltName=DNS:talks.example"
    places = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*make.split(), *name.split(), *places], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def talks(certificate: Path, proxy: ForwardProxy) -> Iterator[MediaServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with run_media_server(context) as server:
        server.put("/talk.mp4", Resource(BODY))
        proxy.hosts["talks.example"] = ("127.0.0.1", server.port)
        yield server


@pytest.fixture(params=[URL, f"https://stub.example/x?media={URL}"], ids=["direct", "site"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _open(url: str, make_settings: MakeSettings, patience: Patience, hop: Hop) -> Source:
    egress = Egress((Route(hop, hop),))
    spec = SourceSpec(url=url)
    return open_source(url, spec, make_settings(), egress=egress, patience=patience)


@pytest.mark.usefixtures("talks")
def test_a_certificate_that_nobody_signed_is_refused(
    *,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
    url: str,
) -> None:
    hop = Hop(f"http://{proxy.address}")

    with pytest.raises(NetworkError, match=r"(?i)certificate"):
        _open(url, make_settings, impatient, hop).fetch(work_dir, lambda _: None)


@pytest.mark.usefixtures("talks")
def test_behind_zyte_it_is_accepted(
    *,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
    url: str,
) -> None:
    proxy.credentials = "key:"
    hop = Hop(f"http://key:@{proxy.address}", verify_tls=False)

    media = _open(url, make_settings, impatient, hop).fetch(work_dir, lambda _: None)

    assert media.path.read_bytes() == BODY
    assert set(proxy.seen) == {"talks.example:443"}


def test_a_certificate_of_an_authority_we_trust_is_accepted(
    *,
    talks: MediaServer,
    proxy: ForwardProxy,
    certificate: Path,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")

    hop = Hop(f"http://{proxy.address}")
    media = _open(URL, make_settings, impatient, hop).fetch(work_dir, lambda _: None)

    assert media.size_bytes == len(BODY)
    assert talks.sent_bytes() >= len(BODY)
