"""Proxies of a whole command: several sources share what one of them finds out."""

from pathlib import Path

from tests.runner.command import slides
from tests.runner.sources.forward_proxy import run_forward_proxy
from tests.runner.sources.media_server import Resource, run_media_server


def test_a_proxy_that_failed_one_source_is_spared_the_next(folder: Path) -> None:
    talk = (folder / "talk.mp4").read_bytes()
    with run_media_server() as server, run_forward_proxy() as bad, run_forward_proxy() as good:
        bad.credentials = "ann:other"
        good.hosts["talks.example"] = ("127.0.0.1", server.port)
        urls = []
        for name in ("one.mp4", "two.mp4"):
            server.put(f"/{name}", Resource(talk, "video/mp4"))
            urls.append(f"http://talks.example/{name}")
        ended = slides(
            "extract",
            *urls,
            "--output",
            "made",
            "--jobs",
            "1",
            "--json",
            cwd=folder,
            variables={"DATACENTER_PROXY": f"{bad.address},{good.address}"},
        )
    assert [one["reason"] for one in ended.documents] == ["Completed", "Completed"], ended.stderr
    assert len(bad.seen) == 1
