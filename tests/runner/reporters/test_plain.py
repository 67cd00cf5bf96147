import pytest

from slides_runner.reporters.plain import printable


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param("Talk: état & Größe 日本語", "Talk: état & Größe 日本語", id="letters stay"),
        pytest.param("a\x1b[31mred\x1b[0m", "a\ufffd[31mred\ufffd[0m", id="ANSI colours"),
        pytest.param("a\x9b2Jb", "a\ufffd2Jb", id="eight-bit CSI"),
        pytest.param("nul\0bell\a", "nul\ufffdbell\ufffd", id="controls"),
        pytest.param("one\ntwo\tthree\r", "one two three ", id="line ends"),
        pytest.param("talk\u202e4pm.exe", "talk\ufffd4pm.exe", id="right-to-left override"),
        pytest.param("a\u2028b", "a\ufffdb", id="line separator"),
        pytest.param("\udcff.mp4", "\ufffd.mp4", id="name that is not UTF-8"),
        pytest.param("👩\u200d💻", "👩\u200d💻", id="emoji stay joined"),
        pytest.param("[red]x[/red]", "[red]x[/red]", id="markup is text"),
    ],
)
def test_shows_text_without_effects(given: str, want: str) -> None:
    assert printable(given) == want


def test_shortens_long_text() -> None:
    assert printable("x" * 1000, longest=10) == "x" * 9 + "…"
