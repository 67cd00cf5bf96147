"""Keys and certificates of a test cluster, made by openssl."""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

LIFETIME_DAYS = "30"
"""Chosen: longer than any test cluster is kept."""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
"""P-256: made in a moment, and Kubernetes signs its tokens with it too."""


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority that all parts of a cluster trust."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """Return the authority's own certificate."""
        return self.folder / "ca.crt"

    def issue(
        self, name: str, *, user: str, group: str, names: tuple[str, ...] = ()
    ) -> Certificate:
        """Make a certificate for a user of a group, who may also serve under the given names."""
        made = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(build_extensions(user, names))
        subject = f"/O={group}/CN={user}"
        _openssl("req", *NEW_KEY, "-keyout", made.key, "-out", request, "-subj", subject)
        signer = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        limits = ("-days", LIFETIME_DAYS, "-extfile", extensions)
        _openssl("x509", "-req", "-in", request, *signer, "-out", made.certificate, *limits)
        return made


def make_authority(folder: Path) -> Authority:
    """Make a new authority in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    files = ("-keyout", folder / "ca.key", "-out", authority.certificate)
    # As EKS's: without a key usage, which Python 3.13 asks for by itself and our programs must not.
    _openssl("req", "-x509", *NEW_KEY, *files, "-days", LIFETIME_DAYS, "-subj", "/CN=test-cluster")
    return authority


def build_extensions(user: str, names: tuple[str, ...]) -> str:
    """Return openssl's extension file: the names a certificate is good for."""
    kinds = [f"{'IP' if name[0].isdigit() else 'DNS'}:{name}" for name in names]
    alternatives = ",".join(kinds or [f"DNS:{user.replace(':', '-')}"])
    return f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n"


def build_kubeconfig(server: str, authority: Authority, user: Certificate) -> str:
    """Return a kubeconfig, which needs no other file, for one user of one server."""
    cluster = {
        "server": server,
        "certificate-authority-data": _base64(authority.certificate),
    }
    credentials = {
        "client-certificate-data": _base64(user.certificate),
        "client-key-data": _base64(user.key),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": credentials}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        },
        indent=2,
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
