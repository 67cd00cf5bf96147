"""Cuts what is never loaded off shared libraries: debugging symbols and the table of sections.

    python3 strip.py FILE…

The loader follows the segments alone (System V ABI, chapter 5), so that all behind the last of them
can go. `strip` does the same, but would have to be fetched for every build.
"""

import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"
"""Of a 64-bit little-endian file; others are left as they are."""
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
"""Elf64_Ehdr, the ELF header."""
SEGMENT = struct.Struct("<IIQQQQQQ")
"""Elf64_Phdr, an entry of the program header table."""


def strip(binary: bytes) -> bytes:
    """Return a library without what lies behind its segments."""
    if not binary.startswith(MAGIC):
        return binary
    ident, kind, machine, version, entry, segments, _, *sizes = HEADER.unpack_from(binary)
    flags, own_size, segment_size, segment_count, section_size, *_ = sizes
    end = max(_ends(binary, segments, segment_size, segment_count))
    header = HEADER.pack(
        *(ident, kind, machine, version, entry, segments, 0),
        *(flags, own_size, segment_size, segment_count, section_size, 0, 0),
    )
    return header + binary[HEADER.size : end]


def _ends(binary: bytes, start: int, size: int, count: int) -> Iterator[int]:
    yield start + size * count
    for index in range(count):
        _, _, offset, _, _, size_in_file, _, _ = SEGMENT.unpack_from(binary, start + size * index)
        yield offset + size_in_file


def main(files: Sequence[str]) -> None:
    """Strip files in place."""
    for file in map(Path, files):
        whole = file.read_bytes()
        stripped = strip(whole)
        if stripped != whole:
            file.write_bytes(stripped)


if __name__ == "__main__":
    main(sys.argv[1:])
