"""Signed notices on releases: what replaces one, that one must not be used, that copies of it are destroyed."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from sdc.errors import ApprovalError, IntegrityError
from sdc.release.catalogue import read_catalogue
from sdc.release.package import ACTOR
from sdc.release.signers import Signer
from sdc.release.sshsig import sign
from sdc.release.store import Enter, commit, opened

NOTICES = "notices"
NAMESPACE = "dtm-sdc-notice"  # a signature on a notice is none on a release
REASONS = ("disclosure_risk", "data_error", "legal", "recipient_breach", "other")
EVERYBODY = "everybody who holds a copy"


def entry_named(entries: Sequence[dict], release: str) -> dict:
    """The entry of a release id, or of the newest release of a request id.

    Raises
    ------
    IntegrityError : when the catalogue does not know it.
    """
    found = [entry for entry in entries if release in (entry["release_id"], entry["request_id"])]
    if not found:
        raise IntegrityError(release, "is no release of this store", "`releases/catalogue.csv` lists them.")
    return found[-1]


def superseded(old: Mapping, new: Mapping, signer: Signer, today: date) -> tuple[dict, dict[str, str]]:
    """The changed entry of a release that another replaces, and the signed notice."""
    notice = {
        "notice": "superseded",
        "release_id": old["release_id"],
        "manifest_sha256": old["manifest_sha256"],
        "superseded_by": new["release_id"],
        "on": today.isoformat(),
        "says": f"Use {new['release_id']} in its place.",
    }
    changed = {**old, "superseded_by": new["release_id"]}
    if old["status"] == "released":
        changed["status"] = "superseded"
    return changed, _signed(f"{old['release_id']}.superseded.json", notice, signer)


def supersede(
    store: Path, old: str, new: str, *, by: str, today: date, signer: Signer, enter: Enter | None = None
) -> dict:
    """Say that one release replaces another, of another request too; the folders of both stay as they are.

    Returns
    -------
    dict, the changed entry of the old release

    Raises
    ------
    ApprovalError : when no actor id is given.
    IntegrityError : when one is not in the store, is withdrawn, or is replaced already.
    """
    _require_actor(by, old)
    with opened(store, enter):
        entries = read_catalogue(store)
        before, after = entry_named(entries, old), entry_named(entries, new)
        if before["release_id"] == after["release_id"]:
            raise IntegrityError(before["release_id"], "cannot replace itself")
        if before.get("superseded_by"):
            if before["superseded_by"] == after["release_id"]:
                return before
            raise IntegrityError(before["release_id"], "is replaced by another release already")
        if after["status"] != "released":
            raise IntegrityError(after["release_id"], f"is {after['status']}, and replaces nothing")
        changed, files = superseded(before, after, signer, today)
        replaces = after.get("supersedes") or changed["release_id"]
        commit(store, entries=[changed, {**after, "supersedes": replaces}], files=files, enter=enter)
        return changed


def withdraw(
    store: Path,
    release: str,
    *,
    reason: str,
    by: str,
    today: date,
    signer: Signer,
    note: str = "",
    enter: Enter | None = None,
) -> dict:
    """Withdraw a release: a signed tombstone says so, why, and who must delete it. Its folder stays, for the audit.

    Parameters
    ----------
    release : str
        A release id, or a request id for its newest release.
    reason : one of `REASONS`
    note : str
        For the house; it is in the catalogue and not in the tombstone.

    Returns
    -------
    dict, the changed entry

    Raises
    ------
    ApprovalError : when no actor id is given.
    IntegrityError : when it is no release, the reason is unknown, or it is withdrawn already for another.
    """
    _require_actor(by, release)
    if reason not in REASONS:
        raise IntegrityError(release, "the reason is none of the codes", f"Codes: {', '.join(REASONS)}.")
    with opened(store, enter):
        entry = entry_named(read_catalogue(store), release)
        if entry["status"] == "withdrawn":
            if entry["withdrawn"]["reason"] == reason:
                return entry
            raise IntegrityError(entry["release_id"], "is withdrawn already, for another reason")
        must_delete = [EVERYBODY] if entry["tier"] == "public" else [entry["organisation"]]
        must_delete += [to for share in entry.get("shares", ()) if (to := share["to"]) not in must_delete]
        tombstone = {
            "notice": "withdrawn",
            "release_id": entry["release_id"],
            "manifest_sha256": entry["manifest_sha256"],
            "reason": reason,
            "on": today.isoformat(),
            "must_delete": must_delete,
            "says": "Do not use this release. Destroy every copy and confirm it in writing.",
        }
        withdrawn = {"on": today.isoformat(), "reason": reason, "by": by, "must_delete": must_delete, "note": note}
        changed = {**entry, "status": "withdrawn", "withdrawn": withdrawn}
        files = _signed(f"{entry['release_id']}.withdrawn.json", tombstone, signer)
        commit(store, entries=[changed], files=files, enter=enter)
        return changed


def destroyed(
    store: Path,
    release: str,
    *,
    organisation: str,
    on: date,
    by: str,
    today: date,
    signer: Signer,
    evidence: str = "",
    enter: Enter | None = None,
) -> dict:
    """Record that an organisation has destroyed its copies, as a signed certificate.

    Parameters
    ----------
    on : date
        The day that the organisation names.
    by : str
        Actor id of the officer who received the confirmation.
    evidence : str
        Where the confirmation is filed.

    Raises
    ------
    ApprovalError : when no actor id is given.
    IntegrityError : when it is no release, the organisation did not get it, or the day lies ahead.
    """
    _require_actor(by, release)
    with opened(store, enter):
        entry = entry_named(read_catalogue(store), release)
        holders = {entry["organisation"], *(share["to"] for share in entry.get("shares", ()))}
        if organisation not in holders:
            raise IntegrityError(
                entry["release_id"], "was not given to this organisation", "Name it as the request does."
            )
        if on > today:
            raise IntegrityError(entry["release_id"], "copies cannot be destroyed on a day that lies ahead")
        known = entry.get("destroyed", [])
        if any(each["organisation"] == organisation for each in known):
            return entry
        certificate = {
            "notice": "destroyed",
            "release_id": entry["release_id"],
            "manifest_sha256": entry["manifest_sha256"],
            "organisation": organisation,
            "destroyed_on": on.isoformat(),
            "recorded_on": today.isoformat(),
            "recorded_by": by,
            "evidence": evidence,
        }
        record = {"organisation": organisation, "on": on.isoformat(), "recorded_on": today.isoformat(), "by": by}
        changed = {**entry, "destroyed": [*known, record]}
        files = _signed(f"{entry['release_id']}.destroyed-{len(known) + 1:02d}.json", certificate, signer)
        commit(store, entries=[changed], files=files, enter=enter)
        return changed


def due(entries: Sequence[Mapping], today: date, days: int = 0) -> list[dict]:
    """Who has to destroy what, and has not confirmed it: past their day, within some days of it, or withdrawn.

    Returns
    -------
    list of dict with release_id, organisation, delete_by, why (expired, soon, withdrawn), days
        The most overdue first; days past the date, negative before it.
    """
    found = []
    for entry in entries:
        done = {each["organisation"] for each in entry.get("destroyed", ())}
        holders = [entry["organisation"]] if entry["tier"] != "public" else []
        holders += [share["to"] for share in entry.get("shares", ()) if share["to"] not in holders]
        for holder in holders:
            if holder in done:
                continue
            if entry["status"] == "withdrawn":
                day, why = date.fromisoformat(entry["withdrawn"]["on"]), "withdrawn"
            elif entry["delete_by"] is None:
                continue
            else:
                day = date.fromisoformat(entry["delete_by"])
                why = "expired" if day < today else "soon"
                if (day - today).days > days:
                    continue
            found.append(
                {
                    "release_id": entry["release_id"],
                    "organisation": holder,
                    "delete_by": day.isoformat(),
                    "why": why,
                    "days": (today - day).days,
                }
            )
    return sorted(found, key=lambda row: (-row["days"], row["release_id"], row["organisation"]))


def _signed(name: str, content: Mapping, signer: Signer) -> dict[str, str]:
    """A notice and its signature, as files of the store."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return {
        f"{NOTICES}/{name}": text,
        f"{NOTICES}/{name}.sig": sign(text.encode("utf-8"), signer.private, NAMESPACE),
    }


def _require_actor(by: str, where: str) -> None:
    if not ACTOR.fullmatch(by):
        raise ApprovalError(where, "nobody is named by an actor id", "Write the id, never a person's name.")
