"""Which hosts and addresses are taken for public, in every notation that means a private one."""

import ipaddress

import pytest

from slides_api.addresses import refused_address, refused_host


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fd00::1]",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:0:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::808:808]",
        "[2002:7f00:1::]",
        "[2001:0:808:808::80ff:fffe]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "134744072",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "printer.local",
        "metadata.google.internal",
        "kubernetes.default.svc",
        "kubernetes",
        "",
        "\uff11\uff12\uff17.0.0.1",
        "127\u30020\u30020\u30021",
        "\u24db\u24de\u24d2al\u24d7ost",
    ],
)
def test_private_hosts_are_refused_in_every_notation(host: str) -> None:
    assert refused_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "www.youtube.com",
        "8.8.8.8",
        "[2606:4700:4700::1111]",
        "[64:ff9b::8.8.8.8]",
        "[2002:808:808::1]",
        "[::ffff:8.8.8.8]",
        "b\u00fccher.example",
        "1.example",
        "talks.example.",
    ],
)
def test_public_hosts_pass(host: str) -> None:
    assert refused_host(host) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "cloud"),
        ("100.64.0.1", "carrier"),
        ("10.0.0.1", "private"),
        ("224.0.0.1", "multicast"),
        ("::ffff:169.254.169.254", "metadata"),
    ],
)
def test_a_refusal_says_why(address: str, why: str) -> None:
    assert why in str(refused_address(ipaddress.ip_address(address)))
