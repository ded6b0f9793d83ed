"""Build the package of a release: a folder that explains itself, whole or not at all, the same bytes every time."""

import json
import re
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from sdc.dictionary import Dictionary, Role
from sdc.errors import ApprovalError, DisclosureError, Fault, IntegrityError, RequestError
from sdc.files import appearing_folder
from sdc.policy import Policy
from sdc.release.catalogue import read_catalogue
from sdc.release.data import read_csv, text_columns, unsafe_name, write_csv
from sdc.release.datapackage import datapackage, fields_of
from sdc.release.manifest import MANIFEST, SUMS, manifest, package_name, ro_crate, sdc_record, sums
from sdc.release.papers import given_as, methods, readme, readme_text, sheet_readme, summary, terms
from sdc.release.promises import below_minimum, broken, promises_of
from sdc.release.pseudonyms import Ids, Line, with_ids
from sdc.release.versions import first_version, latest, next_version, unchanged
from sdc.release.workbook import write_workbook
from sdc.request import Request
from sdc.table import Table

__all__ = ["build", "build_next", "package_name"]

ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def build(
    folder: Path,
    *,
    table: Table,
    request: Request,
    policy: Policy,
    dictionary: Dictionary,
    plan: Mapping,
    ledger: Mapping,
    verdict: Mapping,
    provenance: Mapping,
    secret: bytes,
    audited: bool = False,
    signing: str | None = None,
    supersedes: str | None = None,
) -> None:
    """Write the package of a release, as the version that the request names.

    Parameters
    ----------
    folder : Path
        Where the package will lie; its parent is made, a folder that stands there is replaced.
    table : Table, as protected
    request, policy, dictionary
        The policy as it stands for the component.
    plan, ledger, verdict : mapping
        Documents of the stages before; of each only what may be told goes into the package.
    provenance : mapping
        From `sdc.release.provenance`.
    secret : bytes
        Master key of the house, from which the ids of this recipient and release are drawn.
    audited : bool
        Whether it was audited against all earlier releases, and passed.
    signing : str, optional
        Fingerprint of the key that will sign; without it the package cannot be published.
    supersedes : str, optional
        Id of the release that this one replaces.

    Raises
    ------
    ApprovalError : when the request is not approved, or its approval names a person and not an actor id.
    DisclosureError : when the verdict's gate is not `pass`, an identifier is left, or the file breaks a promise.
    DataError : when a cell would run in a spreadsheet, or cannot be written; columns and counts are named only.
    IntegrityError : when plan, ledger and verdict are not of this request.
    RequestError : when a text of the request would run in a spreadsheet.

    Guarantees
    ----------
    * The folder appears whole or not at all.
    * The same arguments give the same bytes, whatever the folder, the time, the time zone and the language.
    * Records have an id of their own for each recipient and MAJOR version; household numbers of the house stay there.
    * Record numbers, parameters of steps, reasons and thresholds other than those told on purpose are not in it.
    * `sdc.release.verify.verify` finds nothing wrong with it.
    """
    policy = policy.for_component(dictionary.component)
    _refuse(table, request, plan, ledger, verdict)
    line = Line(request.id, request.requester.organisation, int(request.version.split(".")[0]))
    table = with_ids(table, Ids(secret, line))
    rows = text_columns(table)
    name, language = request.component, request.languages[0]
    release_id = package_name(request)
    with appearing_folder(folder) as unfinished:
        for part in ("data", "docs", "metadata"):
            (unfinished / part).mkdir()
        csv = unfinished / "data" / f"{name}.csv"
        write_csv(rows, csv)
        fields = fields_of(table, language)
        back, faults = read_csv(csv, fields)
        if faults:
            raise IntegrityError.of(faults)
        promises = promises_of(table, back, policy)
        faults = [*broken(promises, back), *below_minimum(table, back, policy)]
        if faults:
            raise DisclosureError.of([*faults, Fault(request.id, "no package is written", "Run `dvc repro` again.")])
        told = (promises, methods(ledger, table, dictionary))
        record = sdc_record(table, request, policy, verdict, provenance, *told, audited=audited)
        base = next((p["base"] for p in promises if p["promise"] == "multiples"), 1)
        pages: dict[str, list] = {
            each: readme(table, request, policy, dictionary, release_id, language=each, base=base, signing=signing)
            for each in request.languages
        }
        assert request.approval is not None, "the request is approved"
        xlsx = csv.with_suffix(".xlsx")
        sheet = sheet_readme(pages, request, dictionary)
        given = given_as(table, record, language)
        write_workbook(xlsx, table, rows, sheet, given=given, language=language, created=request.approval.on)
        _text(unfinished / "README.txt", readme_text(pages))
        _text(unfinished / "verify.py", files("sdc.release").joinpath("verify_package.py").read_text(encoding="utf-8"))
        _text(unfinished / "docs" / "TERMS.txt", terms(request, policy, release_id))
        _text(unfinished / "docs" / "sdc-summary.html", summary(table, request, record, release_id))
        _json(unfinished / "metadata" / "sdc-record.json", record)
        _json(unfinished / "datapackage.json", datapackage(table, request, policy, release_id, fields, csv))
        about = (unfinished, table, request, policy, dictionary, provenance, record, verdict, signing, supersedes)
        _json(unfinished / "ro-crate-metadata.json", ro_crate(unfinished, manifest(*about), policy))
        _json(unfinished / MANIFEST, manifest(*about))
        _text(unfinished / SUMS, sums(unfinished))


def build_next(folder: Path, *, request: Request, store: Path, **given: Any) -> Path:
    """Write the package of a request's next release; its version follows from what changed since the last one.

    Parameters
    ----------
    folder : Path
        The package is written into it, under its name.
    request : Request
        Its `version` is the least one.
    store : Path
    given
        The other arguments of `build`, without `supersedes`.

    Returns
    -------
    Path of the package

    Guarantees
    ----------
    * Where nothing changed that a recipient would see, the package is the released one: same version, same ids.
    """

    def built(version: str, supersedes: str | None) -> Path:
        asked = request.model_copy(update={"version": version})
        place = folder / package_name(asked)
        build(place, request=asked, supersedes=supersedes, **given)
        return place

    last = latest(read_catalogue(store), request.id)
    if last is None:
        return built(first_version(request.version), None)
    released = store / last["path"]
    place = built(last["version"], last["supersedes"])
    if unchanged(released, place):
        return place
    version = next_version(released, place, request.version)
    shutil.rmtree(place)
    return built(version, last["release_id"])


def _refuse(table: Table, request: Request, plan: Mapping, ledger: Mapping, verdict: Mapping) -> None:
    """Refuse what must never become a package."""
    if request.approval is None:
        raise ApprovalError(request.id, "the request is not approved", "Nothing is built before approval.")
    if not ACTOR.fullmatch(request.approval.by):
        raise ApprovalError(request.id, "its approval names no actor id", "Write the id, never a person's name.")
    for what, document in (("plan", plan), ("ledger", ledger), ("verdict", verdict)):
        if document.get("request") != request.id:
            raise IntegrityError(request.id, f"the {what} is another request's", "Run `dvc repro`.")
    if verdict["gate"] != "pass":
        raise DisclosureError(request.id, "the verdict's gate is not `pass`", "No package is written. Read the report.")
    identifiers = table.names(Role.IDENTIFIER)
    if identifiers:
        columns = ", ".join(f"`{name}`" for name in identifiers)
        raise DisclosureError(request.id, f"identifiers are left: {columns}", "Run `dvc repro`.")
    texts = {"title": request.title, "organisation": request.requester.organisation, "agreement": request.agreement}
    for entry, text in texts.items():
        if unsafe_name(text or "x"):
            raise RequestError(f"{request.id}, `{entry}`", "would run in a spreadsheet, or holds control characters")


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def _json(path: Path, content: object) -> None:
    _text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
