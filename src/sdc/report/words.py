"""Steps, columns and numbers as a person reads them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sdc.dictionary import Dictionary

_LONGEST_LABEL = 70
_KILOMETRES_A_DEGREE = 111.2
_OPEN_ENDS = (" at most", " at least", " above", " below", " than")
_OWN_COLUMNS = {  # the pipeline's, in no dictionary
    "round": "Round",
    "rows_aggregated": "Number of places added up",
    "sites_merged": "Number of sites",
}


def step_in_words(step: Mapping, dictionary: Dictionary) -> str:
    """One step of a plan as a sentence that names columns by their labels.

    Parameters
    ----------
    step : mapping with `name`, and `params` of that step
    dictionary : Dictionary

    Returns
    -------
    str, plain text: one or two sentences, without the step's `because`

    Guarantees
    ----------
    * A step of another name than those known here gives a sentence too, with the columns of the dictionary it names.
    * Of the parameters only column names and the step's own numbers are told, never a code.
    """
    name, params = str(step["name"]), step.get("params") or {}
    sentence = _SENTENCES.get(name)
    if sentence is None:
        return _unknown(name, params, dictionary)
    return sentence(params, lambda names, most=4: columns_in_words(names, dictionary, most), dictionary)


def effects_in_words(entry: Mapping, dictionary: Dictionary, noun: str = "record") -> list[str]:
    """What a ledger entry saw happen, one phrase an effect; a step that changed nothing says so."""
    before, after = entry["records_before"], entry["records_after"]
    effects = []
    if before != after:
        gone = before - after
        effects.append(
            f"{counted(before, noun)} became {count_in_words(after)}"
            if entry["step"] == "aggregate_counts"
            else f"{counted(gone, noun)} removed, {count_in_words(after)} left"
        )
    for field, verb in (("columns_removed", "removed"), ("columns_added", "added")):
        if entry.get(field):
            effects.append(f"{counted(len(entry[field]), 'column')} {verb}")
    for field, verb in (("recoded", "changed"), ("suppressed", "hidden")):
        cells = {column: n for column, n in (entry.get(field) or {}).items() if n}
        if len(cells) == 1:
            effects.append(f"{counted(sum(cells.values()), 'value')} {verb} in {columns_in_words(cells, dictionary)}")
        elif cells:
            effects.append(f"{counted(sum(cells.values()), 'value')} {verb} in {counted(len(cells), 'column')}")
    return effects or ["Order only, no value changed" if entry["step"] == "sort_records" else "Nothing had to change"]


def count_in_words(number: int) -> str:
    """A count with its thousands apart: ``12,345``."""
    return f"{number:,}"


def counted(number: int, noun: str, many: str = "") -> str:
    """A count with its noun: ``1 record``, ``12,345 records``."""
    return f"{count_in_words(number)} {noun if number == 1 else many or noun + 's'}"


def share_in_words(share: float, digits: int = 1) -> str:
    """A share from 0 to 1 in per cent: ``2.1 %``; what is not quite nothing or not quite all is never told as such."""
    if share <= 0:
        return "0 %"
    if share < 0.0001 and digits <= 2:
        return "below 0.01 %"
    if share < 0.001:
        digits = max(digits, 2)
    text = f"{100 * share:.{digits}f}"
    if share < 1 and float(text) >= 100:
        return "above 99.9 %"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def pair_in_words(observed: Any, limit: Any) -> tuple[str, str]:
    """What was observed and what is allowed, in one unit, with digits enough to tell the two apart."""
    shares = any(isinstance(x, float) and not isinstance(x, bool) and 0 <= x <= 1 for x in (observed, limit))
    if not shares or any(_is_number(x) and not 0 <= x <= 1 for x in (observed, limit)):
        return value_in_words(observed), value_in_words(limit)
    texts = value_in_words(observed), value_in_words(limit)
    if not (_is_number(observed) and _is_number(limit)):
        return texts
    for digits in (1, 2, 3, 4, 6):
        texts = share_in_words(observed, digits), share_in_words(limit, digits)
        if texts[0] != texts[1] or observed == limit:
            break
    return texts


def whole_promise(promise: str, limit: str) -> str:
    """A promise that only its limit makes a sentence, with it: ``Coordinates have decimals, at most 2``."""
    return f"{promise} {limit}" if promise.endswith(_OPEN_ENDS) else promise


def value_in_words(value: Any, *, shares: bool = True) -> str:
    """A number, word or truth of a verdict; a float from 0 to 1 is a share, unless said otherwise."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count_in_words(value)
    if isinstance(value, float):
        return share_in_words(value) if shares and 0 <= value <= 1 else f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple):
        return ", ".join(value_in_words(part, shares=shares) for part in value) or "none"
    return str(value)


FILTERS: dict[str, Callable] = {"n": count_in_words, "share": share_in_words, "counted": counted}  # of the templates


def label_of(name: str, dictionary: Dictionary, language: str = "en") -> str:
    """The label of a column, or its name where the dictionary has none."""
    variable = dictionary.by_name.get(name)
    labels = variable.label if variable else {}
    return labels.get(language) or next(iter(labels.values()), "") or _OWN_COLUMNS.get(name, name)


def columns_in_words(names: str | Iterable[str], dictionary: Dictionary, most: int = 6) -> str:
    """Columns by their labels, at most `most` of them: ``Sex, Age and 3 more``."""
    given = [names] if isinstance(names, str) else list(names)
    if not given:
        return "no column"
    shared = Counter(label_of(variable.name, dictionary) for variable in dictionary.variables)
    labels = []
    for name in given[: most if len(given) > most + 1 else len(given)]:
        label = label_of(name, dictionary)
        short = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1].rstrip() + "…"
        labels.append(f"{short} ({name})" if shared[label] > 1 else short)
    return listed(labels, len(given) - len(labels))


def listed(words: Sequence[str], more: int = 0) -> str:
    """Words as a list in a sentence; semicolons where a word has a comma of its own."""
    words = [*words, f"{count_in_words(more)} more"] if more else list(words)
    if len(words) < 2:
        return "".join(words)
    comma = "; " if any("," in word for word in words[: len(words) - bool(more)]) else ", "
    return f"{comma.join(words[:-1])} and {words[-1]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _some(names: Iterable[str], said: Callable) -> str:
    """``Sex``; ``the 12 columns Sex, Age and 10 more``."""
    names = list(names)
    return said(names) if len(names) < 3 else f"{counted(len(names), 'column')} ({said(names)})"


def _unknown(name: str, params: Mapping, dictionary: Dictionary) -> str:
    """A step this file does not know: its name, and those of its parameters that are columns."""
    known = dictionary.by_name
    found: dict[str, None] = {}
    for value in params.values():
        for part in [value] if isinstance(value, str) else value if isinstance(value, list | tuple | dict) else ():
            if isinstance(part, str) and part in known:
                found[part] = None
    words = name.replace("_", " ").strip().capitalize()
    return f"{words}: {columns_in_words(found, dictionary)}." if found else f"{words}."


def _remove_identifiers(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Remove what names a person or household outright: {_some(params['columns'], said)}."


def _surrogate_households(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Replace {said(params['column'])} by numbers that mean nothing outside this file."


def _drop_columns(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Drop {_some(params['columns'], said)}."


def _aggregate_counts(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    by = params.get("by") or []
    placed = [v.geography for v in map(dictionary.by_name.get, by) if v is not None and v.geography is not None]
    place = params.get("geography") or max(placed, key=lambda geography: geography.depth, default=None)
    rows = f": one row for each {said(by)}" if len(by) == 1 else f": one row for each combination of {said(by, 12)}"
    return f"Add the counts up{f' to {place}' if place else ''}{rows if by else ''}."


def _recode(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    level, variable = params["level"], dictionary.by_name.get(params["variable"])
    label = said(params["variable"])
    if level == 0:
        return f"Keep {label} as collected."
    if variable is None or level > variable.top:
        return f"Recode {label} to level {level}."
    return f"Recode {label} to “{variable.hierarchy[level - 1].name}” (level {level} of {variable.top})."


def _coarsen_coordinates(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    decimals = params.get("decimals")
    if decimals is None:
        return f"Remove the coordinates {said(params['columns'])}."
    metres = 1000 * _KILOMETRES_A_DEGREE / 10**decimals
    if metres >= 1000:
        step = f"{metres / 1000:.2g} km" if metres < 10_000 else f"{metres / 1000:.0f} km"
    else:
        step = f"{metres:.2g} m" if metres < 100 else f"{round(metres, -1):.0f} m"
    return f"Round {said(params['columns'])} to {counted(decimals, 'decimal')}, steps of about {step} on the ground."


def _suppress_locally(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    k = params["k"]
    sentences = [
        f"Hide single values until every record shares its keys with at least {counted(k - 1, 'other')} (k = {k})"
    ]
    if params.get("missing") == "wildcard":
        sentences.append("A hidden or missing value matches any value")
    elif params.get("missing") == "category":
        sentences.append("A hidden or missing value matches only another such")
    if params.get("importance"):
        weights = [f"{said(name)} {weight:g}" for name, weight in params["importance"].items()]
        sentences.append(f"Values of what the request calls important cost more to hide ({listed(weights)})")
    sentences.append(f"Keys: {said(params['keys'], 40)}")
    return ". ".join(sentences) + "."


def _suppress_sensitive(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Hide {said(params['sensitive'])} wherever the records alike in {counted(len(params['keys']), 'key')} hold "
        f"fewer than {counted(params['ell'], 'different value')} of it (ℓ = {params['ell']})."
    )


def _suppress_household_answers(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Hide what the members of a household answered alike until {counted(params['households'], 'household')} at "
        f"least share every combination of {said(params['columns'], 40)}. Keys stay "
        "where they can."
    )


def _drop_records(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    k = params.get("k")
    if k is None:
        return f"Remove the records that stand out by {said(params.get('keys') or [])}."
    return f"Remove the records that share {said(params['keys'])} with fewer than {counted(k - 1, 'other')} (k = {k})."


def _suppress_counts(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    most = params["minimum"] - 1
    small = "counts of 1" if most == 1 else f"counts from 1 to {count_in_words(most)}"
    if params.get("zeros") == "hide":
        small = f"zeros and {small}"
    if params.get("secondary") == "none":
        return f"Hide {small} in {_some(params['columns'], said)}, and nothing else."
    beside = ["the other counts of its row"]
    beside += [f"sums over areas on {counted(len(params['margins']), 'level')}"] if params.get("margins") else []
    beside += ["the other rounds"] if params.get("place") else []
    return (
        f"Hide {small}, and as little else as keeps a hidden one from being solved from {listed(beside)}, in "
        f"{_some(params['columns'], said)}."
    )


def _round_counts(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    base, where = params["base"], _some(params["columns"], said)
    return {
        "nearest": f"Round counts to multiples of {base} in {where}.",
        "controlled": f"Round counts to multiples of {base}, so that all sums still hold, in {where}.",
        "small_count": f"Make counts below {base} 0 or {base}, and let totals follow, in {where}.",
        "random": f"Round counts at random to multiples of {base}, equal counts of a place alike, in {where}.",
        "cell_key": f"Move counts by a little random noise, equal counts of a place alike, in {where}.",
    }[params.get("method", "nearest")]


def _band_counts(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Show counts as {counted(len(params['bands']) + 2, 'band')} in {_some(params['columns'], said)}."


def _merge_sites(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Put near sites of one area together until each row counts at least {counted(params['least'], 'person')} "
        f"({said(params['count'])})."
    )


def _remove_sensitive_sites(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Leave out the rows of sites that are shown to nobody ({said(list(params['sites']))})."


def _suppress_attributes(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Hide what is said of fewer than {counted(params['minimum'], 'person')} of a place, in "
        f"{_some(list(params['describes']), said)}."
    )


def _always(sentence: str) -> Callable[[Mapping, Callable, Dictionary], str]:
    return lambda params, said, dictionary: sentence


def _beyond(side: str) -> Callable[[Mapping, Callable, Dictionary], str]:
    return lambda params, said, dictionary: (
        f"Tell every {said(params['column'])} {side} {params['limit']:g} as one value."
    )


def _recode_to_bands(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Recode {said(params['column'])} to {counted(len(params['bands']), 'band')}."


def _round_numbers(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return f"Round {_some(params['columns'], said)} to multiples of {params['base']:g}."


def _microaggregate(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    how = "each column on its own" if params.get("method") == "onedims" else "the columns together"
    within = f" inside each {said(params['strata'])}" if params.get("strata") else ""
    return (
        f"Replace {_some(params['columns'], said)} by the means of groups of at least {counted(params['k'], 'record')} "
        f"that are alike, {how}{within} (microaggregation, {params.get('method', 'mdav')})."
    )


def _add_noise(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Add {params.get('method', 'correlated')} random noise of {share_in_words(params['share'])} of a standard "
        f"deviation to {_some(params['columns'], said)}."
    )


def _swap_ranks(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Exchange values of {_some(params['columns'], said)} between records whose ranks are at most "
        f"{share_in_words(params['window'])} apart."
    )


def _post_randomise(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    within = f" inside each {said(params['strata'])}" if params.get("strata") else ""
    return (
        f"Change codes of {said(params['column'])} at random{within}, so that their expected counts stay (PRAM, "
        f"retain {params['retain']:g}, alpha {params.get('alpha', 0.5):g})."
    )


def _swap_records(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    return (
        f"Exchange the places ({said(params['geography'])}) of similar households: those with a member who shares "
        f"{said(params['keys'])} with fewer than {params['k']} records of the area, and up to "
        f"{share_in_words(params['share'])} of the households of each area."
    )


def _displace_coordinates(params: Mapping, said: Callable, dictionary: Dictionary) -> str:
    farthest = max(max(given[1], *given[3:]) if len(given) > 2 else given[1] for given in params["distances"].values())
    return (
        f"Move each {said(params['place'])} by a random distance of at most {farthest:g} km, the same in every release "
        f"({said([params['latitude'], params['longitude']])})."
    )


_SENTENCES: dict[str, Callable[[Mapping, Callable, Dictionary], str]] = {
    "remove_identifiers": _remove_identifiers,
    "surrogate_households": _surrogate_households,
    "drop_columns": _drop_columns,
    "aggregate_counts": _aggregate_counts,
    "recode": _recode,
    "recode_to_bands": _recode_to_bands,
    "top_code": _beyond("above"),
    "bottom_code": _beyond("below"),
    "round_numbers": _round_numbers,
    "microaggregate": _microaggregate,
    "add_noise": _add_noise,
    "swap_ranks": _swap_ranks,
    "post_randomise": _post_randomise,
    "swap_records": _swap_records,
    "coarsen_coordinates": _coarsen_coordinates,
    "displace_coordinates": _displace_coordinates,
    "suppress_locally": _suppress_locally,
    "suppress_sensitive": _suppress_sensitive,
    "suppress_household_answers": _suppress_household_answers,
    "drop_records": _drop_records,
    "suppress_counts": _suppress_counts,
    "round_counts": _round_counts,
    "band_counts": _band_counts,
    "merge_sites": _merge_sites,
    "remove_sensitive_sites": _remove_sensitive_sites,
    "suppress_attributes": _suppress_attributes,
    "average_weights": _always("Give all records that share a key their mean weight."),
    "sort_records": _always("Sort the file by its content, so that the order of collection is gone."),
    "shuffle_records": _always("Put the records into a random order."),
}
