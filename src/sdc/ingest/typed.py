"""From columns of text to columns of the dictionary's types, all faults counted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sdc.dictionary import Role, Type, Variable
from sdc.errors import DictionaryError, Fault
from sdc.ingest.layout import Layout, require_date_format

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
INVISIBLE = "[\u200b\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff\x01-\x1f\x7f]"
ZEROS = "٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀႐០᠐０"  # of the scripts that write numbers with ten digits
DIGITS = str.maketrans({chr(ord(zero) + place): str(place) for zero in ZEROS for place in range(10)})
_WRITTEN_ELSEWHERE = DIGITS | str.maketrans("\u2212\u00a0\u202f\u066b\u066c\u066a", "-  .,%")
PERCENT = r"\s*%$"
ISO = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)


@dataclass(frozen=True, eq=False)
class Distinct:
    """A column as its distinct texts: all is decided on those, then dealt out to the records.

    Attributes
    ----------
    values : Series of str, u distinct texts; a missing one is not among them
    of_record : array of int, (n,)
        Place of each record's text in `values`; -1 where it is missing.
    reasons : dict
        Number of records of each text that is taken as missing; of the empty one under the empty text.
    """

    values: pd.Series
    of_record: np.ndarray
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> np.ndarray:
        """Number of records of each distinct text."""
        return np.bincount(self.of_record + 1, minlength=len(self.values) + 1)[1:]

    @property
    def observed(self) -> int:
        """Number of records whose text is not missing."""
        return int((self.of_record >= 0).sum())

    def dealt(self, values: pd.Series) -> pd.Series:
        """One value a record from one value a distinct text; missing stays missing."""
        return pd.Series(values.array.take(self.of_record, allow_fill=True))


def distinct(column: pd.Series, missing: frozenset[str]) -> Distinct:
    """Distinct texts of a column; the empty text and those in `missing` are taken as missing."""
    places, texts = pd.factorize(column)
    kept = ~texts.isin([*missing, ""])
    moved = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
    reasons = {}
    if not kept.all() or (places < 0).any():
        counts = np.bincount(places + 1, minlength=len(texts) + 1)
        reasons = {str(texts[int(place)]): int(counts[place + 1]) for place in np.flatnonzero(~kept)}
        if counts[0]:
            reasons[""] = reasons.get("", 0) + int(counts[0])
    return Distinct(pd.Series(texts[kept], dtype=TEXT), moved[places], reasons)


def missing_codes(variable: Variable, declared: tuple[str, ...]) -> frozenset[str]:
    """Texts that mean missing in one column: those declared, but for codes in the variable's own list."""
    return frozenset(declared) - set(variable.codes)


def typed(variable: Variable, column: Distinct, layout: Layout, where: str) -> tuple[pd.Series, list[Fault]]:
    """Give one column the type of its variable.

    Parameters
    ----------
    variable : Variable
    column : Distinct, n records
    layout : Layout
    where : str, for faults

    Returns
    -------
    typed : Series, n records
        Int64, Float64, datetime64[s], category in the order of the code list, or str. A cell at fault is missing.
    faults : list of Fault
        With numbers of records, never a value.

    Guarantees
    ----------
    * A cell is missing exactly when its text is, or when a fault counts it.
    """
    of_distinct, problems = _READERS[variable.type](variable, column.values, layout)
    place = f"{where}, `{variable.name}`"
    faults = []
    for what, do, wrong in problems:
        count = int(column.records[wrong].sum())
        if count:
            faults.append(Fault(place, f"{count:,} of {len(column.of_record):,} records {what}", do))
    return column.dealt(of_distinct), faults


def problems_of(variable: Variable, column: Distinct, layout: Layout) -> list[tuple[str, np.ndarray]]:
    """What is wrong with the cells of a column, and the places of the records: for whoever mends the file.

    Parameters
    ----------
    variable : Variable
    column : Distinct, n records
    layout : Layout

    Returns
    -------
    list of (what is wrong, array of int: places of records from 0)
    """
    _, problems = _READERS[variable.type](variable, column.values, layout)
    found = [(what, np.flatnonzero(np.append(wrong, False)[column.of_record])) for what, _, wrong in problems]
    if variable.required:
        found.append(("are missing, and required", np.flatnonzero(column.of_record < 0)))
    if variable.unique:
        found.append(
            ("share their value with another", np.flatnonzero(np.append(column.records > 1, False)[column.of_record]))
        )
    return [(what, places) for what, places in found if len(places)]


def presence_faults(variable: Variable, column: Distinct, where: str) -> list[Fault]:
    """Faults of a required variable that is missing, and of a unique one that is not."""
    faults, n = [], len(column.of_record)
    place = f"{where}, `{variable.name}`"
    blank = n - column.observed
    if variable.required and blank:
        faults.append(Fault(place, f"missing in {blank:,} of {n:,} records, and required", "Mend the extract."))
    if variable.unique:
        records = column.records
        again = int(records[records > 1].sum())
        if again:
            what = f"{again:,} of {n:,} records share their value with another, and each must have its own"
            faults.append(Fault(place, what, "Is a record twice in the extract?"))
    return faults


Problem = tuple[str, str, np.ndarray]  # what is wrong, what to do, which distinct texts
_MEND = "The cells are not shown here. Mend the extract, or declare what means missing in `missing`."


def _numbers(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    """Distinct texts as floats, missing where they are no number of the declared form, with their range checked."""
    group, point = re.escape(layout.thousands), re.escape(layout.decimal)
    whole = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if group else "[0-9]+"
    if variable.type == Type.INTEGER:
        form, kind = f"[+-]?{whole}(?:{point}0*)?", "are not whole numbers"
    else:
        form, kind = f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?", "are not numbers"
    texts = _levelled(values)
    signed = texts.str.contains(PERCENT, regex=True).to_numpy(dtype=bool)
    unsigned = np.zeros(len(values), dtype=bool)
    if variable.unit == "%" and signed.any():
        unsigned = ~signed & ~texts.str.fullmatch("0+").to_numpy(dtype=bool)
        texts = texts.str.replace(PERCENT, "", regex=True)
    good = texts.str.fullmatch(form).to_numpy(dtype=bool)
    plain = texts[good]
    if layout.thousands:
        plain = plain.str.replace(layout.thousands, "", regex=False)
    if layout.decimal != ".":
        plain = plain.str.replace(layout.decimal, ".", regex=False)
    numbers = pd.Series(np.nan, index=values.index)
    numbers[good] = plain.astype("float64")
    beyond = np.abs(numbers.to_numpy()) >= (2.0**53 if variable.type == Type.INTEGER else np.inf)
    numbers[beyond] = np.nan
    low = variable.min if variable.min is not None else (0 if variable.role in (Role.COUNT, Role.WEIGHT) else -np.inf)
    high = variable.max if variable.max is not None else np.inf
    outside = ((numbers < low) | (numbers > high)).to_numpy()
    foreign = signed & (variable.unit != "%") & ~good
    problems = [
        ("are written with `%`", 'Declare `unit: "%"`: then they are read as they are written.', foreign),
        ("are written without `%`, others with it", "Is 0.5 a half or a half per cent? Mend the extract.", unsigned),
        (f"{kind} in the form that the layout declares", _MEND, ~good & ~foreign),
        ("are larger than a number in a file can be", _MEND, beyond),
        (f"are outside the range {low:g} to {high:g}", "Mend the extract, or `min` and `max`.", outside),
    ]
    return numbers.mask(outside | unsigned), problems


def _levelled(values: pd.Series) -> pd.Series:
    """Digits and signs of other scripts as ASCII."""
    foreign = values[values.str.contains(r"[^\x00-\x7f]", regex=True).to_numpy(dtype=bool)]
    if foreign.empty:
        return values
    return values.mask(values.index.isin(foreign.index), foreign.str.translate(_WRITTEN_ELSEWHERE))


def _integers(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    numbers, problems = _numbers(variable, values, layout)
    return numbers.astype("Int64"), problems


def _floats(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    numbers, problems = _numbers(variable, values, layout)
    return numbers.astype("Float64"), problems


def _dates(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    """ISO 8601 first, its time of day cut off; then the declared formats, which must not contradict one another."""
    texts = _levelled(values)
    days = _parsed(texts.str.extract(ISO, expand=False), "%Y-%m-%d")
    iso = days.notna()
    ambiguous = np.zeros(len(values), dtype=bool)
    for form in (*variable.formats, *layout.date_formats):
        try:
            require_date_format(form)
        except ValueError as wrong:
            raise DictionaryError(f"`{variable.name}`, `formats`", str(wrong), "Mend the format.") from None
        found = _parsed(texts.mask(iso), form)
        ambiguous |= (found.notna() & days.notna() & (found != days) & ~iso).to_numpy()
        days = days.where(days.notna(), found)
    problems = [
        ("are no dates in ISO 8601 or a declared format", "Declare the format in `formats` or the layout.",
         days.isna().to_numpy()),
        ("are different dates in two declared formats", "Declare one format only.", ambiguous),
    ]  # fmt: skip
    return days.mask(ambiguous), problems


def _parsed(texts: pd.Series, form: str) -> pd.Series:
    """Dates of the texts in one format, missing where they are not."""
    return pd.to_datetime(texts, format=form, errors="coerce").astype("datetime64[s]").dt.normalize()


def _codes(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    """Codes of a list as a category; codes without a list as text."""
    if variable.open_codes:
        values = values.str.replace(r"\s+", " ", regex=True)  # a line break within a place name is no other place
        hidden = _hidden(values)
        return values.mask(hidden), [_hidden_problem(hidden)]
    categories = pd.Index(list(variable.codes), dtype=TEXT)
    place = categories.get_indexer(pd.Index(values, dtype=TEXT))
    return pd.Series(pd.Categorical.from_codes(place, categories=categories)), [_listed_problem(place < 0)]


def _multiples(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    """Codes separated by blanks, each once, in the order of the list: the order of choosing would single people out."""
    hidden = _hidden(values)
    rank = {code: place for place, code in enumerate(variable.codes)}
    selected = [
        sorted(set(chosen_codes(text, variable.separator)), key=lambda code: (rank.get(code, len(rank)), code))
        for text in values
    ]
    closed = bool(variable.codes) and not variable.open_codes
    unknown = np.array([closed and any(code not in rank for code in codes) for codes in selected], dtype=bool)
    result = pd.Series([" ".join(codes) or None for codes in selected], dtype=TEXT)
    return result.mask(unknown | hidden), [_listed_problem(unknown), _hidden_problem(hidden & ~unknown)]


def chosen_codes(text: str, separator: str | None) -> list[str]:
    """Codes of one cell of a select_multiple.

    Blanks separate codes where no separator is declared. Where one is, a blank belongs to its code, and is written as
    an underscore: typed cells are always separated by blanks.
    """
    if separator is None:
        return text.split()
    sign = separator.strip() or separator
    return [code for code in ("_".join(part.split()) for part in text.split(sign)) if code]


def _texts(variable: Variable, values: pd.Series, layout: Layout) -> tuple[pd.Series, list[Problem]]:
    return values, []


def _hidden(values: pd.Series) -> np.ndarray:
    """Which codes hold characters that cannot be seen: two of them would look the same and differ."""
    return values.str.contains(INVISIBLE, regex=True).to_numpy(dtype=bool)


def _hidden_problem(hidden: np.ndarray) -> Problem:
    return "hold invisible or direction-changing characters in a code", "Take them out of the extract.", hidden


def _listed_problem(unknown: np.ndarray) -> Problem:
    do = "The codes are not shown here. Mend the extract or the code list."
    return "hold a code outside the list", do, unknown


_READERS: dict[Type, Callable[[Variable, pd.Series, Layout], tuple[pd.Series, list[Problem]]]] = {
    Type.INTEGER: _integers,
    Type.NUMBER: _floats,
    Type.DATE: _dates,
    Type.CODE: _codes,
    Type.CODES: _multiples,
    Type.TEXT: _texts,
}
