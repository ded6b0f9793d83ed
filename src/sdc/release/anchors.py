"""Each release tells how far the register had come: a register that was replaced by an older one is found by that."""

from collections.abc import Mapping, Sequence

from sdc.errors import Fault, IntegrityError
from sdc.register import Register
from sdc.register.history import Head

_DO = "Restore the newest backup: `sdc registry restore FILE`. Without one, see docs/how-to/register.md."


def anchors_of(entries: Sequence[Mapping]) -> list[Head]:
    """Heads of the register that the entries of a catalogue tell; those without one are left out."""
    return [Head(told["events"], told["hash"]) for entry in entries if (told := _told(entry)) is not None]


def require_register(register: Register, entries: Sequence[Mapping], kept: Sequence[Head] = ()) -> Head:
    """Refuse a register that does not hold what stood in it when each release was published, and that release.

    Parameters
    ----------
    register : Register
    entries : sequence of mapping
        The catalogue of the store.
    kept : sequence of Head
        Anchors that were kept elsewhere.

    Returns
    -------
    Head, the end of its chain

    Raises
    ------
    IntegrityError : when it is an older one, was made anew, or was changed by other means than its verbs.
    """
    head = register.verify([*kept, *anchors_of(entries)])
    known = {row["release_id"]: row["manifest_sha256"] for row in register.releases()}
    lost = [
        entry["release_id"]
        for entry in entries
        if _told(entry) is not None and known.get(entry["release_id"]) != entry["manifest_sha256"]
    ]
    if lost:
        raise IntegrityError.of(Fault(each, "was published, and the register does not know it", _DO) for each in lost)
    return head


def _told(entry: Mapping) -> Mapping | None:
    found: Mapping | None = entry.get("at_publication", {}).get("register")
    return found
