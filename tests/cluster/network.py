"""How a node apart is connected: a cable to this machine, and from there on to the world.

Everything is named after the cable, so that several clusters stand beside each other and each
takes away what it brought.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.processes import StartError

LINKS = 64
"""Chosen: clusters beside each other on one machine; each has four addresses of 10.199.0.0/24."""
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Link:
    """A pair of connected network devices; the second is the node's `eth0`."""

    number: int

    @property
    def name(self) -> str:
        """Name of this machine's end."""
        return f"slides-k8s{self.number}"

    @property
    def host_ip(self) -> str:
        """Address of this machine as pods see it."""
        return f"10.199.0.{4 * self.number + 1}"

    @property
    def node_ip(self) -> str:
        """Address of the node."""
        return f"10.199.0.{4 * self.number + 2}"

    @property
    def network(self) -> str:
        """Both addresses."""
        return f"10.199.0.{4 * self.number}/30"


def connect(process: int) -> Link:
    """Lay a cable into the network of a process and let it through to the world."""
    before = forwarding_before()
    link = _lay_cable(process)
    _run("ip", "link", "set", link.name, "alias", before)
    _run("ip", "address", "add", f"{link.host_ip}/30", "dev", link.name)
    _run("ip", "link", "set", link.name, "up")
    for rule in build_rules(link):
        _run("iptables", "--wait", *rule)
    FORWARDING.write_text("1")
    return link


def disconnect(link: Link, *, forwarding: str) -> None:
    """Take away the cable and the rules for it, and with the last one pass packets on as before."""
    if not _others(link):
        FORWARDING.write_text(forwarding)
    # It goes with the node too, at any moment.
    subprocess.run(["ip", "link", "delete", link.name], check=False, capture_output=True)
    for rule in build_rules(link):
        deletion = ["--delete" if word == "--insert" else word for word in rule]
        subprocess.run(["iptables", "--wait", *deletion], check=False, capture_output=True)


def build_rules(link: Link) -> list[list[str]]:
    """Return iptables' arguments for what the node and its pods may do beyond the cable."""
    comment = ["--match", "comment", "--comment", link.name]
    outward = ["--source", link.network, "!", "--out-interface", link.name, *comment]
    return [
        ["--table", "nat", "--insert", "POSTROUTING", *outward, "--jump", "MASQUERADE"],
        ["--insert", "FORWARD", "--in-interface", link.name, *comment, "--jump", "ACCEPT"],
        ["--insert", "FORWARD", "--out-interface", link.name, *comment, "--jump", "ACCEPT"],
        # Servers of a test on this machine are for its pods, whatever else is kept out.
        ["--insert", "INPUT", "--in-interface", link.name, *comment, "--jump", "ACCEPT"],
    ]


def forwarding_before() -> str:
    """Return whether this machine passed packets on ("0" or "1") before there was any cluster.

    Each cable bears it as its alias: the cluster that was there first may be gone by now.
    """
    names = {link.name for link in map(Link, range(LINKS))}
    aliases = [link.get("ifalias") for name, link in _links().items() if name in names]
    known = [alias for alias in aliases if alias is not None]
    return known[0] if known else FORWARDING.read_text().strip()


def _others(link: Link) -> set[str]:
    return {other.name for other in map(Link, range(LINKS)) if other != link} & _links().keys()


def _lay_cable(process: int) -> Link:
    problem = ""
    for number in range(LINKS):
        link = Link(number)
        if link.name in _links():
            continue
        # Another cluster may take the name at the same time; then the next one is tried.
        far_end = ["peer", "name", "eth0", "netns", str(process)]
        done = subprocess.run(
            ["ip", "link", "add", link.name, "type", "veth", *far_end],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            return link
        problem = done.stderr.strip()
    raise StartError(f"The node cannot be connected: {problem or 'too many clusters run'}")


def _links() -> dict[str, dict[str, str]]:
    return {link["ifname"]: link for link in json.loads(_run("ip", "-json", "link"))}


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise StartError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
