"""How a stage of the pipeline ends: quietly, or with an error that holds no data and an exit code."""

import contextlib
import os
import stat
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from sdc.errors import SdcError

SECURE = ("data", "releases", ".sdc", ".dvc/cache")
"""Folders of a checkout that hold what is of people, or secrets."""


def shut(root: Path) -> None:
    """Keep others than its owner out of a checkout's secure folders; DVC writes files in them that others could read.

    One that somebody else owns stays as it is, and `sdc doctor` tells.
    """
    if not (root / "dvc.yaml").is_file():
        return
    for name in SECURE:
        folder = root / name
        with contextlib.suppress(OSError):
            if name.startswith("."):  # before DVC makes it, open to everybody
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                folder.chmod(0o700)


def run(main: Callable[[], None]) -> None:
    """Run one stage, or one command.

    Parameters
    ----------
    main : callable without arguments

    Raises
    ------
    SystemExit : with the exit code of the refusal; 1 for an internal error, 130 when a person interrupts.

    Guarantees
    ----------
    * Files that the stage writes are readable by their owner only, and so are the secure folders of the checkout that
      it runs in.
    * What is printed of an error holds no value from the data: a refusal prints its own text, any other exception its
      type and the place in the code. Its message and its traceback may quote data, so neither is printed.
    """
    os.umask(0o077)
    shut(Path())
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


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """A bar on the standard error while a long piece of work runs; none where nobody looks at a terminal.

    Parameters
    ----------
    what : str, name of the work

    Yields
    ------
    callable that takes what is done, and what there is to do in all or None; None where there is no terminal
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def _place(broken: BaseException) -> str:
    """File and line of the innermost frame in our own code."""
    frames = traceback.extract_tb(broken.__traceback__)
    ours = [frame for frame in frames if {"sdc", "pipelines"} & set(Path(frame.filename).parts)] or list(frames)
    return f"{'/'.join(Path(ours[-1].filename).parts[-2:])}:{ours[-1].lineno}"
