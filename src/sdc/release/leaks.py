"""Texts of a file that turned up somewhere: whatever it is, read with distrust, for the record ids in it."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from sdc.errors import DataError
from sdc.release.pseudonyms import LENGTH

_WORD = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z2-7]{%d}(?![A-Za-z0-9])" % LENGTH)
_MOST_BYTES = 2 << 30
_CHUNK = 1 << 20


def texts_of(path: Path) -> set[str]:
    """Every word of a file that could be a record id: of a text as it stands, of a workbook from its parts.

    Columns, order and format do not matter: the file is searched as bytes, in UTF-8, UTF-16 and Latin codes alike.

    Raises
    ------
    DataError : when it is absent, or unpacks to more than it should.
    """
    if not path.is_file():
        raise DataError(str(path), "there is no such file")
    found: set[str] = set()
    with path.open("rb") as content:
        head = content.read(4)
    if head == b"PAR1":
        return _parquet(path)
    if head == b"PK\x03\x04":
        try:
            with ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                    raise DataError(str(path), "unpacks to more than it should")
                for entry in archive.infolist():
                    with archive.open(entry) as part:
                        found |= set(_words(part))
        except (BadZipFile, NotImplementedError, RuntimeError, OSError):
            raise DataError(str(path), "cannot be unpacked", "Save it as CSV.") from None
        return found
    with path.open("rb") as content:
        return set(_words(content))


def _parquet(path: Path) -> set[str]:
    try:
        columns = pq.read_table(path).columns
        texts = [text for column in columns for text in column.cast(pa.string()).unique().to_pylist() if text]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        raise DataError(str(path), "cannot be read as Parquet", "Save it as CSV.") from None
    return set(_words(io.BytesIO("\n".join(texts).encode())))


def _words(content: IO[bytes]) -> Iterator[str]:
    """Words of the length of an id, chunk by chunk; a word may lie across two. UTF-16 loses its empty bytes."""
    rest, read = b"", 0
    while chunk := content.read(_CHUNK):
        read += len(chunk)
        if read > _MOST_BYTES:
            raise DataError("file", "is larger than any release")
        block = rest + chunk.replace(b"\x00", b"")
        yield from (word.decode("ascii").lower() for word in _WORD.findall(block))
        rest = block[-(LENGTH + 1) :]
