"""Let the program read every hostile file, in one process, and tell what came of it and what it cost."""

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "unit")]

from ingest_cases import dictionary, extract  # noqa: E402

from sdc.errors import SdcError  # noqa: E402
from sdc.ingest import ingest  # noqa: E402
from sdc.ingest.peek import peek  # noqa: E402


def told(error: BaseException) -> str:
    """All that an exception, and those behind it, would show anybody."""
    words, link = [], error
    while link is not None:
        words += traceback.format_exception(link)
        words.append(repr(link.args))
        link = link.__cause__ or link.__context__
    return "".join(words)


def peak_mib() -> int:
    """Most memory that this process ever held; `ru_maxrss` begins with what its parent held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def main() -> None:
    for case in json.loads(Path(sys.argv[1]).read_text()):
        os.environ["SDC_HOSTILE_URL"] = f"sqlite:///{Path(case['path']).with_suffix('.db')}"
        start, result = time.monotonic(), {}
        try:
            table, _ = ingest(Path(case["path"]), extract(**case["layout"]), dictionary())
            result["records"] = len(table)
        except SdcError as refusal:
            result |= {"refusal": str(refusal), "all": told(refusal)}
        except BaseException as crash:
            result |= {"crash": type(crash).__name__, "all": told(crash)}
        try:
            if case["layout"].get("format") != "sql":
                peek(Path(case["path"]), rows=5)
        except SdcError as refusal:
            result["all"] = result.get("all", "") + told(refusal)
        except BaseException as crash:
            result |= {"crash": f"peek: {type(crash).__name__}", "all": told(crash)}
        result["seconds"] = round(time.monotonic() - start, 2)
        result["mib"] = peak_mib()
        result["child_mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
