"""Single values set to missing: local suppression of keys, and of sensitive values that a class gives away."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from sdc.dictionary import Type
from sdc.engines import engine as engine_named
from sdc.keys import key_classes
from sdc.table import Table


def suppress_locally(
    table: Table,
    keys: Sequence[str],
    k: int,
    *,
    missing: str = "wildcard",
    importance: Mapping[str, float] | None = None,
    household: str | None = None,
    engine: str = "native",
) -> Table:
    """Set single key values to missing until every record is k-anonymous.

    The last resort after recoding: the holes follow the rare records, a bias.

    Parameters
    ----------
    table : Table, n records
    keys : sequence of str
        Key variables of one disclosure scenario.
    k : int, records
        Least number of records that must share a key.
    missing : {"wildcard", "category"}
        Whether a missing value matches any value (sdcMicro, ``alpha = 1``) or a missing value only.
    importance : mapping of key to weight, optional
        Cost of one suppressed value; default 1 each.
    household : str, optional
        Column that ties the records of one household, where it is released.
    engine : {"native", "sdcmicro"}

    Returns
    -------
    Table, n records, in the same order

    Raises
    ------
    DisclosureError : when ``n < k``, no suppression can help.
    EngineError : when the engine cannot keep the variables of a household together.

    Guarantees
    ----------
    * Every record shares its key with at least ``k - 1`` others.
    * Only values in `keys` and in columns that follow them change, and only to missing.
    * A column is missing wherever the column that it follows was suppressed.
    * With `household`, a variable of households, and one that is alike in every household, is suppressed for all
      members or none.
    * The table given is left as it was.

    References
    ----------
    Templ, Kowarik, Meindl (2015), J. Stat. Softw. 67(4), doi:10.18637/jss.v067.i04
    """
    shared = [] if household is None else [key for key in keys if _is_shared(table, key, household)]
    together = {"household": household, "household_keys": shared} if shared else {}
    mask = engine_named(engine).suppress_locally(
        table.rows,
        keys,
        k,
        importance=importance,
        closed=closed_pairs(table, keys),
        missing=missing,
        **together,
    )
    rows = table.rows.copy()
    for key in keys:
        hide = np.asarray(mask[key], dtype=bool)
        if hide.any():
            for column in (key, *table.followers(key)):
                rows.loc[hide, column] = pd.NA
    return table.with_rows(rows)


def _is_shared(table: Table, key: str, household: str) -> bool:
    """Whether one member's value gives another's away: a variable of households, or one that is alike in each."""
    if table[key].scope == "hh":
        return True
    pairs = table.rows[[household, key]].dropna().drop_duplicates()
    return not pairs[household].duplicated().any()


def closed_pairs(table: Table, keys: Sequence[str]) -> dict[str, str]:
    """Finer key to the nearest coarser key that it follows, both among `keys`."""
    pairs = {}
    for key in keys:
        leader = table[key].follows
        while leader is not None and leader not in keys:
            leader = table[leader].follows if leader in table else None
        if leader is not None:
            pairs[key] = leader
    return pairs


def suppress_sensitive(table: Table, keys: Sequence[str], sensitive: str, ell: int) -> Table:
    """Hide a sensitive value in classes that would give it away.

    Where all records of a key class hold fewer than `ell` distinct values, knowing the class is knowing the value (or
    nearly). The class then keeps its keys and loses the sensitive value, in all its records. Of a select_multiple,
    each choice is a fact of its own: one that nearly all records of a class made is given away too, however their
    other choices differ.

    Parameters
    ----------
    table : Table
    keys : sequence of str
    sensitive : str
    ell : int, distinct values

    Guarantees
    ----------
    * Every class of equal keys holds no value of `sensitive`, or at least `ell` distinct ones.
    * Of a select_multiple, each choice was left out by at least ``ell - 1`` records of every class that shows it.
    * Only `sensitive`, and columns that follow it, change, and only to missing.

    References
    ----------
    Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam (2007), l-diversity, ACM TKDD 1(1).
    """
    classes = key_classes(table.rows, keys)
    values, labels = pd.factorize(table.rows[sensitive], use_na_sentinel=True)
    seen = values >= 0
    pairs = np.unique(classes.of_record[seen].astype(np.int64) * max(len(labels), 1) + values[seen])
    distinct = np.bincount(pairs // max(len(labels), 1), minlength=len(classes.records))
    alike = distinct < ell
    if table[sensitive].type == Type.CODES:
        alike |= _shared_choice(classes.of_record[seen], values[seen], labels, len(alike)) < ell - 1
    hide = alike[classes.of_record] & seen
    rows = table.rows.copy()
    for column in (sensitive, *table.followers(sensitive)):
        rows.loc[hide, column] = pd.NA
    return table.with_rows(rows)


def _shared_choice(of_class: np.ndarray, answers: np.ndarray, labels: pd.Index, classes: int) -> np.ndarray:
    """Of the choice that most records of a class made: how many records that answered left it out."""
    chosen = [sorted(set(str(label).split())) for label in labels]
    of_answer = np.repeat(np.arange(len(labels)), [len(choices) for choices in chosen])
    choice, _ = pd.factorize(np.array([one for choices in chosen for one in choices], dtype=object))
    made = csr_array((np.ones(len(choice)), (of_answer, choice)), shape=(len(labels), int(choice.max(initial=0)) + 1))
    given = csr_array((np.ones(len(answers)), (of_class, answers)), shape=(classes, len(labels)))
    return given.sum(axis=1) - (given @ made).max(axis=1).toarray().ravel()
