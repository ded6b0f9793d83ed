"""Rows that are no records: totals and footnotes at the end of a table, and subtotals within it."""

import re

import numpy as np
import pandas as pd

_TOTAL = re.compile(
    r"(?:grand |sub-?\s?|sous-?\s?)?(?:total|totals|totaux|totales|общий итог|итого|всего|всього|усього|разом|ጠቅላላ|ድምር|"
    r"စုစုပေါင်း|মোট|जम्मा|कुल|wadarta|المجموع|مجموع|الإجمالي|الاجمالي|إجمالي|اجمالي)(?:\s+(?:general|général|geral|الكلي|idps?))?"
    r"\s*:?",
    re.IGNORECASE,
)
_MOST = 10  # rows at the end that are looked at
_SUMMED = 50_000  # records of a table whose last row is held against the sums of its columns
_THIN = 0.34  # of the cells of a record, at most, has a footnote


def rows_at_end(frame: pd.DataFrame) -> tuple[int, tuple[str, ...]]:
    """How many of the last rows are no records, and what was seen of totals, in words.

    A row is none where it is said to be a total, where two numbers of it are the sums of all above, or where it is
    almost empty, as a footnote is. Only rows that leave out a column which every record fills are taken off; a total
    that fills all of them is told.

    Parameters
    ----------
    frame : DataFrame of str, n records

    Returns
    -------
    rows : int, that `skip_at_end` can leave out
    notes : tuple of str
    """
    if len(frame) < 4 or frame.shape[1] < 2:
        return 0, ()
    last = frame.iloc[-_MOST:] if len(frame) > 2 * _MOST else frame.iloc[len(frame) // 2 :]
    body = frame.iloc[: len(frame) - len(last)]
    usual = float((body.head(500) != "").sum(axis=1).median())
    rows = 0
    for place in reversed(range(len(last))):
        row = last.iloc[place]
        filled = int((row != "").sum())
        thin = frame.shape[1] > 2 and usual >= 3 and filled <= max(1, _THIN * usual)
        if not (thin or _says_total(row) or _sums_up(frame.iloc[: len(frame) - len(last) + place], row)):
            break
        rows += 1
    notes: list[str] = []
    while rows:
        above, end = frame.iloc[:-rows], frame.iloc[-rows:]
        full = [name for name in frame if bool((above[name] != "").all())]
        as_full = (end[full] != "").all(axis=1).to_numpy()
        if not as_full.any():
            notes.append(f"the last {rows:,} rows are no records (a total, a source, footnotes): `skip_at_end`")
            break
        rows -= int(np.flatnonzero(as_full)[-1]) + 1
        notes = ["a row at the end seems to be a total and is as full as a record: take it out of the file"]
    within = _total_rows(frame.iloc[: len(frame) - rows])
    if within and not notes:
        notes.append(f"{within:,} rows call themselves totals: take them out of the file, or people are counted twice")
    return rows, tuple(notes)


def _says_total(row: pd.Series) -> bool:
    """Whether one of the first cells with something in them is a word for a total."""
    return any(_TOTAL.fullmatch(cell) for cell in row[row != ""].head(3))


def _total_rows(frame: pd.DataFrame) -> int:
    """Rows that call themselves totals."""
    named = np.zeros(len(frame), dtype=bool)
    for name in list(frame)[:6]:
        texts = [text for text in frame[name].unique() if _TOTAL.fullmatch(text)]
        named |= frame[name].isin(texts).to_numpy(dtype=bool) if texts else False
    return int(named.sum()) if named.mean() < 0.5 else 0


def _sums_up(above: pd.DataFrame, row: pd.Series) -> bool:
    """Whether at least two numbers of a row, and half of them, are the sums of the columns above."""
    held = sums = 0
    if len(above) > _SUMMED:
        return False
    for name in above:
        told = _number(pd.Series([row[str(name)]]))[0]
        if np.isnan(told) or told == 0:
            continue
        held += 1
        sums += bool(np.nansum(_number(above[name])) == told)
    return sums >= 2 and 2 * sums >= held


def _number(texts: pd.Series) -> np.ndarray:
    """Whole numbers, whatever sign stands between their thousands; NaN for anything else."""
    plain = texts.str.replace(r"[\s,.'\u00a0\u202f](?=[0-9]{3}(?:\D|$))", "", regex=True)
    return pd.to_numeric(plain.where(plain.str.fullmatch(r"[0-9]{1,15}").astype(bool), None), errors="coerce").to_numpy(
        dtype=float
    )
