"""Libraries still work once what is never loaded is cut off."""

import ctypes
import importlib.util
import struct
from pathlib import Path

import pytest

from scripts.images.strip import HEADER, SEGMENT, main, strip

SECTION_TABLE = 40
"""Where the header says where the table of sections is (e_shoff)."""


def a_library() -> Path:
    """Return a real one, with symbols and a table of sections."""
    found = importlib.util.find_spec("markupsafe._speedups")
    assert found
    assert found.origin
    return Path(found.origin)


def test_stripped_library_loads_and_is_smaller(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(a_library().read_bytes())

    main([str(library)])

    assert library.stat().st_size < a_library().stat().st_size
    assert struct.unpack_from("<Q", library.read_bytes(), SECTION_TABLE) == (0,)
    assert ctypes.PyDLL(str(library)).PyInit__speedups is not None


def test_every_segment_is_kept() -> None:
    whole = a_library().read_bytes()
    stripped = strip(whole)
    _, _, _, _, _, start, _, _, _, size, count, *_ = HEADER.unpack_from(whole)

    for index in range(count):
        _, _, offset, _, _, length, _, _ = SEGMENT.unpack_from(whole, start + index * size)
        # The first segment begins with the header, which says that there are no sections.
        begin = max(offset, HEADER.size)
        assert stripped[begin : offset + length] == whole[begin : offset + length]


def test_stripped_twice_is_the_same() -> None:
    once = strip(a_library().read_bytes())

    assert strip(once) == once


@pytest.mark.parametrize(
    "content",
    [b"", b"GROUP ( libm.so.6 )\n", b"\x7fELF\x01\x01" + bytes(60), b"\x7fELF\x02\x02" + bytes(60)],
    ids=["empty", "linker-script", "32-bit", "big-endian"],
)
def test_other_files_stay_as_they_are(content: bytes) -> None:
    assert strip(content) == content
