"""The documents of a package that people read: README, terms, and how the data were protected."""

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import TextWrapper

from sdc.dictionary import Dictionary, Role
from sdc.pages import render
from sdc.policy import Policy
from sdc.release.pseudonyms import RECORD_ID
from sdc.release.wording import METHODS, RIGHT_TO_LEFT, WORDS
from sdc.request import Request
from sdc.steps.aggregation import CONTRIBUTORS
from sdc.table import Table

MARK = "-" * 78
_COMMAS = frozenset({"en", "ar"})  # languages with 1,234 and 0.5
_COMMANDS = ("ssh-keygen ", "sha256sum ")  # lines to be copied as they are
_TURN = "\u200f"  # begins a line that is read from right to left, whatever it begins with
_MOST_NAMED = 8

Section = tuple[str, str]


def rounds_in_words(rounds: Sequence[int], language: str) -> str:
    """``round 3``; ``rounds 1, 2``."""
    words = WORDS[language]
    return f"{words['round'] if len(rounds) == 1 else words['rounds']} {', '.join(str(number) for number in rounds)}"


def citation(request: Request, policy: Policy, release_id: str) -> str:
    """How to cite the release; the year is that of the approval, which never changes."""
    year = request.approval.on.year if request.approval else request.expires.year
    return f"{policy.terms.credit}. {request.title} ({request.country}, {year}). {release_id}."


def readme(
    table: Table,
    request: Request,
    policy: Policy,
    dictionary: Dictionary,
    release_id: str,
    *,
    language: str,
    base: int,
    signing: str | None,
) -> list[Section]:
    """The README as headings and texts, in one language.

    Parameters
    ----------
    base : int
        The rounding base that the package promises; 1 where counts are not rounded.
    signing : str, or None
        Fingerprint of the key that will sign.
    """
    words = WORDS[language]
    kind = "counts" if table.names(Role.COUNT) else "records"
    kind = "areas" if CONTRIBUTORS.name in table else kind
    title = dictionary.title.get(language) or next(iter(dictionary.title.values()))
    number = f"{len(table):,}" if language in _COMMAS else f"{len(table):,}".replace(",", "\u202f")
    what = words[f"what_{kind}"].format(
        title=title,
        unit=dictionary.unit,
        rows=number,
        columns=len(table.variables),
        rounds=rounds_in_words(request.rounds, language),
    )
    asked = words["asked_for"].format(organisation=request.requester.organisation, purpose=request.purpose)
    who = [words[f"who_{policy.tier}"]]
    who += [words["agreement"].format(agreement=request.agreement)] if request.agreement else []
    marks = [words["marks_text"]]
    marks += [words["rounded"].format(base=base)] if base > 1 else []
    name = request.component
    listed = (
        (f"data/{name}.csv", "file_csv"),
        (f"data/{name}.xlsx", "file_xlsx"),
        ("datapackage.json", "file_datapackage"),
        ("docs/TERMS.txt", "file_terms"),
        ("docs/sdc-summary.html", "file_summary"),
        ("metadata/sdc-record.json", "file_record"),
        ("manifest.json", "file_manifest"),
        ("ro-crate-metadata.json", "file_crate"),
        ("SHA256SUMS", "file_sums"),
        ("SHA256SUMS.sig", "file_signature"),
        ("verify.py", "file_verify"),
    )
    key = words["genuine_none"] if signing is None else words["genuine_key"].format(fingerprint=signing)
    return [
        (release_id, request.title),
        (words["what"], f"{what}\n{asked}"),
        (words["who"], "\n".join(who)),
        (words["marks"], "\n".join(marks)),
        ("", words["protected"]),
        *([("", words["issued"])] if RECORD_ID in table else []),
        (words["files"], "\n".join(f"{path}: {words[said]}" for path, said in listed)),
        (words["genuine"], f"{words['genuine_text']}\n{key}"),
        (words["cite"], citation(request, policy, release_id)),
        (words["contact"], words["contact_text"].format(contact=policy.terms.contact)),
        (words["delete"], delete_by(request, policy, language)),
    ]


def delete_by(request: Request, policy: Policy, language: str) -> str:
    """Until when a recipient may keep the data, in words."""
    words = WORDS[language]
    return (
        words["delete_never"] if policy.tier == "public" else words["delete_on"].format(day=request.expires.isoformat())
    )


def sheet_readme(pages: Mapping[str, Sequence[Section]], request: Request, dictionary: Dictionary) -> list[Section]:
    """The README of the workbook: what a reader of the data needs, and nothing that changes while the data do not.

    So a new version that changes documents only leaves every file in `data/` as it was.
    """
    language = request.languages[0]
    words, title = WORDS[language], dictionary.title.get(language) or next(iter(dictionary.title.values()))
    kept = [words[name] for name in ("what", "marks")]
    texts = [
        (head, text.split("\n")[0] if head == words["what"] else text) for head, text in pages[language] if head in kept
    ]
    return [
        (request.id, title),
        *texts,
        (words["files"], "README.txt, docs/TERMS.txt, docs/sdc-summary.html"),
    ]


def is_placeholder(contact: str) -> bool:
    """Whether a contact address reaches nobody: a name that RFC 2606 keeps for examples."""
    return bool(re.search(r"(?:[@.]example\.(?:com|net|org)|\.(?:example|invalid|test))$", contact.strip().lower()))


def readme_text(pages: Mapping[str, Sequence[Section]]) -> str:
    """The README of all languages as plain text, 78 characters wide."""
    return f"\n{MARK}\n\n".join(_plain(sections, language) for language, sections in pages.items())


def _plain(sections: Sequence[Section], language: str) -> str:
    """Headings and texts as plain text; each line of a language that runs from right to left says so."""
    text = _left_to_right(sections)
    if language not in RIGHT_TO_LEFT:
        return text
    plain = (*_COMMANDS, "\n")
    return "".join(line if line.startswith(plain) else f"{_TURN}{line}" for line in text.splitlines(keepends=True))


def _left_to_right(sections: Sequence[Section]) -> str:
    (release_id, title), *rest = sections
    blocks = [f"{title}\n{release_id}"]
    for heading, text in rest:
        lines = [_wrapped(line) for line in text.split("\n")]
        blocks.append("\n".join([heading.upper(), *lines] if heading else lines))
    return "\n\n".join(blocks) + "\n"


def _wrapped(text: str) -> str:
    if text.startswith(_COMMANDS):
        return text  # a command stays on one line, to be copied
    return TextWrapper(width=78, break_long_words=False, break_on_hyphens=False).fill(text)


def terms(request: Request, policy: Policy, release_id: str) -> str:
    """The terms of use, in the request's languages; the conditions stand as the policy has them."""
    pages = []
    for language in request.languages:
        words = WORDS[language]
        recipient = {"organisation": request.requester.organisation, "purpose": request.purpose}
        who = words[f"terms_{policy.tier}"].format(**recipient)
        sections = [
            (release_id, words["terms"]),
            (words["licence"], policy.terms.licence),
            (words["who"], who),
            (words["credit"], policy.terms.credit),
            (words["conditions"], "\n".join(f"{n}. {said}" for n, said in enumerate(policy.terms.conditions, start=1))),
            (words["delete"], delete_by(request, policy, language)),
        ]
        if request.agreement:
            sections.insert(2, (words["agreement"].split(":")[0].strip(), request.agreement))
        pages.append(_plain(sections, language))
    return f"\n{MARK}\n\n".join(pages)


def methods(ledger: Mapping, table: Table, dictionary: Dictionary) -> list[dict]:
    """What was done, one entry a kind of step, in order: released columns only, no parameters."""
    found: dict[str, dict[str, None]] = {}
    if any(variable.role == Role.IDENTIFIER for variable in dictionary.variables):
        found["remove_identifiers"] = {}  # they end at ingest, before the ledger of this request begins
    for entry in ledger["entries"]:
        touched = [*entry.get("recoded", {}), *entry.get("suppressed", {})]
        changed = touched or entry.get("columns_removed") or entry.get("columns_added")
        if not changed and entry["records_before"] == entry["records_after"] and entry["step"] != "sort_records":
            continue
        columns = found.setdefault(entry["step"], {})
        columns |= dict.fromkeys(name for name in touched if name in table)
    return [{"step": step, "columns": list(columns)} for step, columns in found.items()]


def method_in_words(method: Mapping, table: Table, language: str) -> str:
    """One sentence, its columns by their labels, without a number that steered the step."""
    sentences = METHODS[language]
    sentence = sentences.get(method["step"], sentences["other"])
    labels = named((label_of(table, name, language) for name in method["columns"]), language)
    if not labels:
        return sentence.split(":")[0].rstrip(" .\u202f") + "."
    return sentence.format(columns=labels)


def label_of(table: Table, name: str, language: str) -> str:
    """Label of a released column."""
    labels = table[name].label
    return labels.get(language) or next(iter(labels.values()), name)


def named(labels: Iterable[str], language: str) -> str:
    """Labels as a list, at most a handful of them."""
    given = list(labels)
    more = len(given) - _MOST_NAMED
    rest = WORDS[language]["more"].format(n=more)
    shown = [*given[:_MOST_NAMED], rest] if more > 1 else given
    return "; ".join(shown)


def summary(
    table: Table,
    request: Request,
    record: Mapping,
    release_id: str,
) -> str:
    """The page on how the data were protected: methods, losses, known limits; no number that helps an intruder.

    Parameters
    ----------
    record : mapping
        The SDC record of the package (`sdc.release.manifest.sdc_record`): what may be told stands there.
    """
    parts = [_part(table, record, language) for language in request.languages]
    return render(
        "release/summary.html", title=request.title, release_id=release_id, parts=parts, language=request.languages[0]
    )


def _part(table: Table, record: Mapping, language: str) -> dict:
    """What the page says in one language."""
    words = WORDS[language]
    promises = {promise["promise"]: promise for promise in record["promises"]}
    loss = record["loss"]
    released = [row for row in loss["columns"] if row["status"] == "released"]
    removed = len(loss["columns"]) - len(released)
    given, emptied = given_as(table, record, language), _columns(record, emptied=True)
    counts = bool(table.names(Role.COUNT))
    limits = ["limit_bias"]
    limits += [("limit_areas" if CONTRIBUTORS.name in table else "limit_place") if counts else "limit_knowledge"]
    limits += ["limit_wildcard"] if promises.get("k_anonymity", {}).get("missing") == "wildcard" else []
    limits += ["limit_rounding"] if "multiples" in promises else []
    averaged = any(method["step"] == "average_weights" for method in record["methods"])
    limits += ["limit_averaged" if averaged else "limit_sample"] if table.names(Role.WEIGHT) else []
    limits.append("limit_audited" if record["cross_release"] == "pass" else "limit_linked")
    return {
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "words": words,
        "methods": [method_in_words(method, table, language) for method in record["methods"]],
        "checked": words["checked_text"].format(
            passed=sum(c["passed"] for c in record["checks"] if c["breach"] == "stop")
        ),
        "promises": [said for p in record["promises"] if (said := _promise(p, table, language))],
        "lost": words["lost_text"].format(suppressed=_share(loss["share_suppressed"], language)),
        "columns": [
            {
                "label": label_of(table, row["name"], language),
                "name": row["name"],
                "as": given[row["name"]],
                "emptied": _share(row["share_suppressed"], language, some=row["name"] in emptied),
                "loss": "–" if row["loss"] is None else _share(row["loss"], language),
            }
            for row in released
        ],
        "removed": words["removed_columns"].format(n=removed) if removed else "",
        "limits": [words[limit] for limit in limits],
    }


def given_as(table: Table, record: Mapping, language: str) -> dict[str, str]:
    """How each released column is given: its level, added up, rounded, changed, or as collected.

    Parameters
    ----------
    record : mapping
        As for `summary`.
    """
    words = WORDS[language]
    rounded = any(promise["promise"] == "multiples" for promise in record["promises"])
    changed = _columns(record, emptied=False)
    given = {}
    for row in record["loss"]["columns"]:
        name = row["name"]
        if row["status"] != "released":
            continue
        done = [str(row["level_name"])] if row["level_name"] is not None else []
        if table[name].role == Role.COUNT:
            done += [words["added_up"]] if CONTRIBUTORS.name in table else []
            done += [words["rounded_counts"]] if rounded else []
        if not done and name in changed:
            done = [words["changed"]]
        given[name] = ", ".join(done) or words["as_collected"]
    return given


def _columns(record: Mapping, *, emptied: bool) -> set[str]:
    """Columns in which cells were emptied, or those in which something else was done."""
    chosen = [method for method in record["methods"] if method["step"].startswith("suppress") == emptied]
    return {name for method in chosen for name in method["columns"]}


def _promise(promise: Mapping, table: Table, language: str) -> str:
    """A promise as a sentence; the regularities of blanks are for machines only."""
    words = WORDS[language]
    match promise["promise"]:
        case "k_anonymity":
            keys = named((label_of(table, name, language) for name in promise["columns"]), language)
            reading = words[f"reading_{promise['missing']}"]
            return words["promise_k"].format(keys=keys, others=promise["k"] - 1, reading=reading)
        case "l_diversity":
            columns = named((label_of(table, name, language) for name in promise["columns"]), language)
            return words["promise_l"].format(columns=columns)
        case "multiples":
            return words["promise_multiples"].format(base=promise["base"])
        case "least_count":
            return words["promise_small"]
        case "coordinates":
            return words["promise_coordinates"].format(decimals=promise["decimals"])
    return ""


def _share(share: float, language: str, *, some: bool = False) -> str:
    """A share in per cent; what is not quite nothing is never told as nothing, nor `some` that was rounded to it."""
    if some and share == 0:
        return "< 0.5 %" if language in _COMMAS else "< 0,5 %"
    if 0 < share < 0.001:
        return "< 0.1 %" if language in _COMMAS else "< 0,1 %"
    text = f"{100 * share:.1f}".removesuffix(".0")
    return f"{text} %" if language in _COMMAS else f"{text.replace('.', ',')} %"
