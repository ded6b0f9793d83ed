"""Parse the files of a folder one after the other as the parsing process does, and tell of each how it ended."""

import contextlib
import os
import sys
from pathlib import Path

from sdc.errors import SdcError
from sdc.ingest import child


def main() -> None:
    folder, kind, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    out = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        child._limit({"memory_bytes": 768 << 20, "cpu_seconds": 100})
        for path in sorted(folder.iterdir())[first:]:
            job = {"path": str(path), "where": path.name, "format": kind, "sheets": [None], "first_row": 1}
            try:
                child._read({**job, "options": {"value_labels": "labels"}}, open(os.devnull, "wb"))  # noqa: PTH123, SIM115
                told = "read"
            except SdcError as refusal:
                told = "refused " + str(refusal).replace("\n", " ")
            except BaseException:
                told = "gave up"
            print(told, file=out, flush=True)


if __name__ == "__main__":
    main()
