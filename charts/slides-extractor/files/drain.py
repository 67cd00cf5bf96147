"""Run by the preStop hook of the service: waits until nobody is sent here, then asks it to drain.

Its one argument is for how many seconds to wait. Endpoints and load balancers learn of a pod that
ends at the same moment as this hook starts, and go on sending requests until they have.
"""

import os
import sys
import time
import urllib.request


def main() -> None:
    """Wait and ask; what goes wrong is said, and Kubernetes shows it as an Event."""
    time.sleep(float(sys.argv[1]))
    url = f"http://127.0.0.1:{os.environ['SERVICE_PORT']}/drain"
    request = urllib.request.Request(url, method="POST", headers=_credentials())
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the pod itself
        answer.read()


def _credentials() -> dict[str, str]:
    if password := os.environ.get("API_PASSWORD"):
        return {"Authorization": f"Bearer {password}"}
    if key := os.environ.get("API_KEY"):
        return {"X-API-Key": key}
    return {}


if __name__ == "__main__":
    main()
