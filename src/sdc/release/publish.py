"""Move a candidate into the store: staged, checked as staged, signed, renamed, entered in the catalogue; never half."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from sdc.errors import ApprovalError, DisclosureError, IntegrityError, SdcError
from sdc.files import sha256_of
from sdc.release.catalogue import read_catalogue
from sdc.release.manifest import MANIFEST, SIGNATURE, SUMS, verdict_sha256
from sdc.release.notices import superseded
from sdc.release.package import ACTOR
from sdc.release.papers import is_placeholder
from sdc.release.signers import Signer
from sdc.release.store import Enter, add_file, clear, commit, opened, staged
from sdc.release.verify import verify
from sdc.release.versions import latest, require_version, unchanged
from sdc.request import Request

PAPERS = "papers"
"""Folder of the store with what each release rests on."""


def publish(
    candidate: Path,
    store: Path,
    *,
    request: Request,
    verdict: Mapping,
    today: date,
    reviewed: str,
    approved_by: tuple[str, ...],
    extra: Mapping,
    papers: Mapping[str, str],
    signer: Signer,
    enter: Enter | None,
) -> Path:
    """Move a candidate package into the store, sign it, and enter it in the catalogue.

    The copy in the staging folder is what is verified, signed and renamed. What is about to be entered is written to
    a journal first, so that the next run, of whatever request, finishes what a killed one left. The release that came
    before is entered as superseded, with a signed notice.

    Parameters
    ----------
    candidate : Path
        Folder of a package; it is left as it is.
    store : Path
    request : Request
    verdict : mapping
        The one the package was built from.
    today : date
    reviewed : str
        SHA-256 of the manifest that was reviewed.
    approved_by : tuple of str
        Actor ids of those who reviewed it.
    extra : mapping
        What is known only now (the lock of the pipeline), entered in the catalogue as it is.
    papers : mapping of name to text
        What the release rests on (plan, ledger, verdict, audit, reports): kept beside it in the house, never delivered.
    signer : Signer
        The key that the candidate names.
    enter : callable, or None
        Tells the register; called with the catalogue's entry before the journal goes, so that a killed run is told too.

    Returns
    -------
    Path of the release in the store

    Raises
    ------
    ApprovalError : when the request is not approved or has expired, or nobody is named who reviewed the candidate.
    DisclosureError : when the verdict's gate is not `pass`.
    IntegrityError : when the package is not whole, is not built from this verdict or names another signing key or
        version than is due, another publication is under way, or the store cannot be written.

    Guarantees
    ----------
    * A release is there whole and signed, or not at all, at whatever moment the run is killed; running it again
      finishes.
    * A released folder never changes; publishing the same package again changes nothing.
    * The catalogue holds every release once.
    """
    request.require_approval(today)
    if not approved_by or not all(ACTOR.fullmatch(actor) for actor in approved_by):
        raise ApprovalError(request.id, "no reviewer is named by an actor id", "Name who read the report.")
    if verdict.get("gate") != "pass" or verdict.get("request") != request.id:
        raise DisclosureError(request.id, "the verdict's gate is not `pass`", "Nothing is published. Read the report.")
    version = _version(candidate, request)
    with opened(store, enter):
        target = store / request.id / f"v{version}"
        entries = read_catalogue(store)
        listed = next((e for e in entries if e["path"] == target.relative_to(store).as_posix()), None)
        if listed is not None:
            _same(candidate, target, request, version)
            if enter is not None:
                enter(listed)
            return target
        if target.exists():
            raise IntegrityError(str(target), "lies there, and the catalogue does not know it", "Restore a backup.")
        try:
            previous = latest(entries, request.id)
            staging = staged(candidate, store)
            verify(staging, candidate=True)
            manifest = json.loads((staging / MANIFEST).read_bytes())
            if sha256_of(staging / MANIFEST) != reviewed:
                raise IntegrityError(request.id, "the candidate is not the one that was reviewed", "Run it again.")
            _require_signer(manifest, signer, request, today)
            require_version(staging, manifest, previous, store)
            add_file(staging, SIGNATURE, signer.sign((staging / SUMS).read_bytes()))
            entry = _entry(staging, target, store, request, verdict, today, approved_by, extra, signer, manifest)
        except SdcError:
            clear(store)  # the copy of a package that is refused does not stay
            raise
        files = {f"{PAPERS}/{entry['release_id']}/{name}": text for name, text in papers.items()}
        changed: Sequence[Mapping] = [entry]
        if previous is not None:
            old, notices = superseded(previous, entry, signer, today)
            changed, files = [old, entry], files | notices
        move = (staging, target, str(entry["manifest_sha256"]))
        commit(store, entries=changed, files=files, move=move, enter=enter)
    return target


def candidate_of(folder: Path) -> Path:
    """The package that `dvc repro` built in the folder of a request.

    Raises
    ------
    IntegrityError : when there is none, or more than one.
    """
    found = [path.parent for path in folder.glob(f"*/{MANIFEST}")]
    if len(found) != 1:
        what = "there is no candidate" if not found else "there is more than one candidate"
        raise IntegrityError(str(folder), what, "Run `dvc repro`.")
    return found[0]


def _version(candidate: Path, request: Request) -> str:
    """The version that a candidate says it is."""
    try:
        content = json.loads((candidate / MANIFEST).read_bytes())
        asked, version = content["request_id"], content["version"]
    except FileNotFoundError:
        raise IntegrityError(str(candidate), "there is no candidate", "Run `dvc repro`.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(f"{request.id}, {MANIFEST}", "cannot be read", "Run `dvc repro`.") from None
    if asked != request.id or not isinstance(version, str) or not version.replace(".", "").isdigit():
        raise IntegrityError(str(request.id), "the candidate is of another request or version", "Run `dvc repro`.")
    return version


def _same(candidate: Path, target: Path, request: Request, version: str) -> None:
    """Refuse another package under a version that is released already."""
    verify(target)
    if not unchanged(target, candidate):
        raise IntegrityError(
            f"{request.id}, v{version}",
            "another package was released under this version",
            "Run `dvc repro`, which gives it the version that is due, and publish that.",
        )


def _require_signer(manifest: Mapping, signer: Signer, request: Request, today: date) -> None:
    named = (manifest["signing"] or {}).get("fingerprint")
    if named != signer.key.fingerprint:
        said = "names no signing key" if named is None else "names another signing key than the one that signs now"
        raise IntegrityError(request.id, f"the candidate {said}", "Run `dvc repro`.")
    if not signer.key.signs_on(today):
        raise IntegrityError(signer.key.id, "does not sign on this day", "Mend the clock, or rotate the key.")
    if is_placeholder(manifest["use"]["contact"]) and manifest["country"] != "ZZZ":
        do = "Write an address that is read into `terms.contact` of the policy, and run `dvc repro`."
        raise IntegrityError(request.id, "the contact address of the package is a placeholder", do)


def _entry(
    source: Path,
    target: Path,
    store: Path,
    request: Request,
    verdict: Mapping,
    today: date,
    approved_by: tuple[str, ...],
    extra: Mapping,
    signer: Signer,
    manifest: Mapping,
) -> dict:
    """The catalogue's entry of a verified package."""
    if manifest["validation"]["verdict_sha256"] != verdict_sha256(verdict):
        raise IntegrityError(str(request.id), "the candidate was built from another verdict", "Run `dvc repro`.")
    return {
        "release_id": manifest["release_id"],
        "request_id": request.id,
        "version": manifest["version"],
        "status": "released",
        "title": manifest["title"],
        "country": manifest["country"],
        "component": manifest["component"],
        "population_id": manifest["population_id"],
        "rounds": manifest["rounds"],
        "tier": manifest["recipient"]["tier"],
        "organisation": manifest["recipient"]["organisation"],
        "classification": manifest["classification"],
        "published_on": today.isoformat(),
        "approved_by": list(approved_by),
        "delete_by": manifest["retention"]["delete_by"],
        "path": target.relative_to(store).as_posix(),
        "files": len(manifest["files"]) + 3,
        "bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        "manifest_sha256": sha256_of(source / MANIFEST),
        "sums_sha256": sha256_of(source / SUMS),
        "signed_by": signer.key.id,
        "signer": signer.key.public,
        "supersedes": manifest["supersedes"],
        "superseded_by": None,
        "at_publication": dict(extra),
    }
