"""Run by `helm test`: whether operator and service are ready and the resources answer.

The environment names what to ask: READY_URL, SERVICE_URL where there is a service, and NAMESPACE,
whose extractions are listed.
"""

import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path(os.environ.get("ACCOUNT_DIR", "/var/run/secrets/kubernetes.io/serviceaccount"))
"""Where Kubernetes mounts a pod's token and the certificate of the API server."""
PATIENCE_S = 60
"""Chosen: `helm install` without `--wait` returns before the operator's pods have started."""
KINDS = ("slideextractions", "slideextractionbatches")


def main() -> int:
    """Ask for everything, say what came, and return the exit code."""
    problems = {"the operator is ready": ask_patiently(os.environ["READY_URL"])}
    if url := os.environ.get("SERVICE_URL"):
        problems["the service is ready"] = ask_patiently(url)
    problems |= {f"{kind} answer": ask_api(kind) for kind in KINDS}
    for what, problem in problems.items():
        sys.stdout.write(f"FAILED: {what}: {problem}\n" if problem else f"ok: {what}\n")
    return int(any(problems.values()))


def ask_patiently(url: str) -> str | None:
    """Return what keeps a part of ours from being ready, after some patience."""
    end = time.monotonic() + float(os.environ.get("PATIENCE_S", PATIENCE_S))
    while problem := get(urllib.request.Request(url)):  # noqa: S310 - our Service
        if time.monotonic() > end:
            return problem
        time.sleep(1)
    return None


def ask_api(kind: str) -> str | None:
    """Return why the API server does not list resources of this kind."""
    host, port = (os.environ[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
    host = f"[{host}]" if ":" in host else host
    path = (
        f"/apis/slides-extractor.dev/v1alpha1/namespaces/{os.environ['NAMESPACE']}/{kind}?limit=1"
    )
    token = (ACCOUNT / "token").read_text().strip()
    request = urllib.request.Request(
        f"https://{host}:{port}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    tls = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    # Python 3.13 asks for more than clusters have, EKS for one: kubernetes-client/python#2394.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return get(request, tls)


def get(request: urllib.request.Request, tls: ssl.SSLContext | None = None) -> str | None:
    """Return what went wrong with a request, None when it was answered with success."""
    try:
        with urllib.request.urlopen(request, timeout=5, context=tls) as answer:  # noqa: S310 - as above
            answer.read()
    except urllib.error.HTTPError as e:
        with e:
            return f"{e.code} {e.read(300).decode(errors='replace')}"
    except OSError as e:
        return str(e)
    return None


if __name__ == "__main__":
    sys.exit(main())
