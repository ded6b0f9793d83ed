"""How a stage of the pipeline ends: quietly, or with an error that holds no data and an exit code."""

import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from sdc.errors import SdcError


def run(main: Callable[[], None]) -> None:
    """Run one stage.

    Parameters
    ----------
    main : callable without arguments

    Raises
    ------
    SystemExit : with the exit code of the refusal; 1 for an internal error, 130 when a person interrupts.

    Guarantees
    ----------
    * Files that the stage writes are readable by their owner only.
    * What is printed of an error holds no value from the data: a refusal prints its own text, any other exception its
      type and the place in the code. Its message and its traceback may quote data, so neither is printed.
    """
    os.umask(0o077)
    warnings.simplefilter("ignore")  # the text of a library's warning may quote data
    stage = Path(main.__code__.co_filename).stem
    try:
        main()
    except SdcError as refusal:
        code, text = refusal.exit_code, f"{type(refusal).__name__}: {refusal}"
    except KeyboardInterrupt:
        code, text = 130, f"{stage}: interrupted; nothing was written"
    except Exception as broken:  # noqa: BLE001 - the last door before a traceback
        code, text = 1, f"internal error in {stage}: {type(broken).__name__} at {_place(broken)}"
    else:
        return
    print(text, file=sys.stderr)
    sys.exit(code)


def _place(broken: BaseException) -> str:
    """File and line of the innermost frame in our own code."""
    frames = traceback.extract_tb(broken.__traceback__)
    ours = [frame for frame in frames if {"sdc", "pipelines"} & set(Path(frame.filename).parts)] or list(frames)
    return f"{'/'.join(Path(ours[-1].filename).parts[-2:])}:{ours[-1].lineno}"
