"""Record ids and household ids of a release: new for each recipient, and enough to tell whose copy was leaked.

An id is a keyed hash of the record's number, with a mark that only the holder of the key can make or see. So the ids
of two recipients have nothing in common, and an id that turns up somewhere names the release that it was issued in,
without any list of ids being kept.
"""

import base64
import hmac
import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sdc.dictionary import Role, Type, Variable
from sdc.errors import DataError
from sdc.table import Table

RECORD_ID = "record_id"
LENGTH = 16  # characters of 5 bits: 56 bits name the record, 24 are the mark
_BODY, _MARK = 7, 3  # bytes
LEAST_IDS = 3  # fewer ids name nobody
MOST_CHANCE = 1e-9  # of a name at random, all releases of the store considered

_LABELS = {
    "en": "Record id, issued for this recipient and release",
    "fr": "Identifiant de l'enregistrement, propre à ce destinataire et à cette diffusion",
    "es": "Identificador del registro, propio de este destinatario y de esta publicación",
    "ar": "معرّف السجل، صادر لهذا المتلقي ولهذا الإصدار",
}


class Line(NamedTuple):
    """Releases that share their ids: one request, one recipient, one MAJOR version."""

    request_id: str
    organisation: str
    major: int

    def info(self, use: str) -> bytes:
        """What separates this line's keys from all others, whatever the names hold."""
        parts = (use, self.request_id, self.organisation, str(self.major))
        return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def subkey(master: bytes, info: bytes) -> bytes:
    """A key of 32 bytes for one use, from the master key (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=b"dtm-sdc", info=info).derive(master)


class Ids:
    """Issues the ids of one line, and knows them again.

    Guarantees
    ----------
    * The same record has the same id in every release of a line, and an unrelated one in any other line.
    * No two records of a file share an id; nobody without the key can tell the number from the id, or make an id.
    """

    def __init__(self, master: bytes, line: Line) -> None:
        self.line = line
        self._record = subkey(master, line.info("record-id"))
        self._household = subkey(master, line.info("household-id"))
        self._mark = subkey(master, line.info("mark"))

    def records(self, numbers: Sequence[int] | np.ndarray | pd.Index) -> list[str]:
        """Ids of records, by their numbers."""
        return self._issued(self._record, [str(int(number)) for number in numbers])

    def households(self, values: Iterable[object]) -> dict[object, str]:
        """Ids of households, by the surrogates they have in the house."""
        given = sorted(set(values), key=str)
        return dict(zip(given, self._issued(self._household, [str(value) for value in given]), strict=True))

    def knows(self, text: str) -> bool:
        """Whether a text is an id of this line: one other text in 16 million is taken for one by chance."""
        if len(text) != LENGTH:
            return False
        try:
            raw = base64.b32decode(text.upper())
        except ValueError:
            return False
        return hmac.compare_digest(raw[_BODY:], self._marked(raw[:_BODY]))

    def _marked(self, body: bytes) -> bytes:
        return hmac.digest(self._mark, body, "sha256")[:_MARK]

    def _issued(self, key: bytes, texts: Sequence[str]) -> list[str]:
        bodies = [hmac.digest(key, text.encode(), "sha256")[:_BODY] for text in texts]
        if len(set(bodies)) != len(bodies):
            bodies = self._apart(key, texts, bodies)
        return [base64.b32encode(body + self._marked(body)).decode().lower() for body in bodies]

    def _apart(self, key: bytes, texts: Sequence[str], bodies: list[bytes]) -> list[bytes]:
        """Give whoever comes second, by text, the next hash: the order of records decides nothing."""
        if len(set(texts)) != len(texts):
            raise DataError("record numbers", "occur twice", "Run `dvc repro` from the start.")
        taken: set[bytes] = set()
        for place in sorted(range(len(texts)), key=lambda at: (len(texts[at]), texts[at])):
            turn = 0
            while bodies[place] in taken:
                turn += 1
                bodies[place] = hmac.digest(key, f"{texts[place]}/{turn}".encode(), "sha256")[:_BODY]
            taken.add(bodies[place])
        return bodies


def with_ids(table: Table, ids: Ids) -> Table:
    """A table of records as it is issued: a record id in front, households numbered for this recipient.

    A table of counts is left as it is. The judge has seen the table without the id: an id is drawn for the release,
    says nothing about anybody, and changes no value.

    Raises
    ------
    DataError : when a column has the name of the record id.
    """
    if table.names(Role.COUNT):
        return table
    if RECORD_ID in table:
        raise DataError(f"`{RECORD_ID}`", "is the name of the id that a release issues", "Rename the column.")
    rows = table.rows.copy(deep=False)
    variables = list(table.variables)
    for place, variable in enumerate(variables):
        if variable.role == Role.HOUSEHOLD:
            issued = ids.households(rows[variable.name].dropna().unique())
            rows[variable.name] = pd.array([issued.get(value) for value in rows[variable.name]], dtype="str")
            changes = {"type": Type.CODE, "codes": {}, "open_codes": True, "hierarchy": (), "level": 0}
            variables[place] = variable.model_copy(update=changes)
    rows.insert(0, RECORD_ID, pd.Series(ids.records(rows.index), index=rows.index, dtype="str"))
    issued_column = Variable(
        name=RECORD_ID, label=_LABELS, type=Type.CODE, role=Role.OTHER, open_codes=True, required=True, unique=True
    )
    return Table(rows, (issued_column, *variables), table.links)


def issued_columns(table: Table) -> list[str]:
    """Columns of an issued table that the judge did not see as they are."""
    return (
        [v.name for v in table.variables if v.name == RECORD_ID or v.role == Role.HOUSEHOLD]
        if RECORD_ID in table
        else []
    )


class Trace(NamedTuple):
    """How much of a file was issued in one line of releases."""

    line: Line
    ids: int
    share: float
    chance: float
    named: bool


def whose(texts: Iterable[str], lines: Sequence[Line], master: bytes) -> list[Trace]:
    """Whose copy a file is, by the ids in it: whatever columns are left, in whatever order.

    Parameters
    ----------
    texts : iterable of str
        All values of the file that have the length of an id; others are left out.
    lines : sequence of Line
        All lines of the store.
    master : bytes

    Returns
    -------
    list of Trace
        Lines that at least one id points to, the strongest first. `chance` is that of so many ids by accident
        in any of the lines; `named` is never true below `LEAST_IDS` ids or above `MOST_CHANCE`.

    Guarantees
    ----------
    * A file without ids of any line names nobody.
    """
    seen = {text.strip().lower() for text in texts if len(text.strip()) == LENGTH}
    found = []
    for line in lines:
        ids = Ids(master, line)
        known = sum(ids.knows(text) for text in seen)
        if known:
            chance = min(1.0, len(lines) * _at_least(known, len(seen), 2.0 ** (-8 * _MARK)))
            named = known >= LEAST_IDS and chance <= MOST_CHANCE
            found.append(Trace(line, known, known / len(seen), chance, named))
    return sorted(found, key=lambda trace: (-trace.ids, trace.line))


def _at_least(hits: int, trials: int, p: float) -> float:
    """Bound on the chance of so many hits: the union over all sets of that many trials."""
    return min(
        1.0,
        math.exp(
            min(
                0.0,
                math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1) + hits * math.log(p),
            )
        ),
    )


def lines_of(entries: Iterable[Mapping]) -> list[Line]:
    """The lines of a catalogue, each once."""
    return sorted({Line(e["request_id"], e["organisation"], int(e["version"].split(".")[0])) for e in entries})


def keyed(master: bytes, use: str, content: bytes) -> str:
    """A hash under a key of this use, hexadecimal: nobody without the key can confirm a guess of the content."""
    return hmac.new(subkey(master, use.encode()), content, sha256).hexdigest()
