"""Whether the data of a package are the table that was judged: its own hashes only say that it is whole."""

import json
import tempfile
from pathlib import Path

from sdc.errors import IntegrityError
from sdc.files import sha256_of
from sdc.release.data import text_columns, write_csv
from sdc.release.manifest import MANIFEST
from sdc.release.pseudonyms import Ids, Line, with_ids
from sdc.request import Request
from sdc.table import Table


def require_judged_data(package: Path, table: Table, request: Request, secret: bytes) -> None:
    """Refuse a package whose data file is not the judged table as this recipient is issued it.

    Whoever can write into a candidate can also write hashes and promises that fit. So its data are written once more
    from the table, and compared as bytes.

    Parameters
    ----------
    package : Path
    table : Table, as protected and judged
    request : Request
    secret : bytes
        Master key of the house, from which the ids of this recipient and release are drawn.

    Raises
    ------
    IntegrityError : when the manifest cannot be read, or the data file is absent or another one.

    Guarantees
    ----------
    * A package passes only if its data file is, byte for byte, what `sdc.release.package.build` writes of the table.
    """
    try:
        major = int(json.loads((package / MANIFEST).read_bytes())["version"].split(".")[0])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(f"{request.id}, {MANIFEST}", "cannot be read", "Run `dvc repro`.") from None
    issued = with_ids(table, Ids(secret, Line(request.id, request.requester.organisation, major)))
    name = f"{request.component}.csv"
    found = package / "data" / name
    with tempfile.TemporaryDirectory(dir=package.parent, prefix=".compared.") as folder:
        write_csv(text_columns(issued), Path(folder) / name)
        if not found.is_file() or sha256_of(found) != sha256_of(Path(folder) / name):
            raise IntegrityError(
                f"{request.id}, data/{name}",
                "was changed: it is not the table that was judged",
                "Run `dvc repro`, and find out who changed the candidate: it was not the pipeline.",
            )
