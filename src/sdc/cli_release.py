"""`sdc release`: keys, signing, encryption, what was leaked, and the life of a release after it left."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column
from rich.table import Table as Grid

from sdc import cli_audit, cli_request
from sdc.cli_request import EXIT_CODES, HERE, As, Json, Root, acting, tell

app = typer.Typer(
    no_args_is_help=True, epilog=EXIT_CODES, help="Releases: keys, sharing, and what happens to them afterwards."
)
keys = typer.Typer(no_args_is_help=True, help="The keys that releases are signed with.")
app.add_typer(keys, name="keys")
app.command()(cli_audit.audit)
app.command()(cli_audit.known)

Release = Annotated[
    str, typer.Argument(help="A release id, or a request id for its newest release.", metavar="RELEASE")
]
Enter = Callable[[Mapping], None]
InFile = Annotated[
    bool | None, typer.Option("--keyring/--file", help="Where the private half is kept; chosen by what there is.")
]


@keys.command("new")
def keys_new(keyring: InFile = None, root: Root = HERE, as_json: Json = False) -> None:
    """Make the first signing key. Commit `signers/`, then tell recipients the fingerprint by another way."""
    from sdc.release.signers import new_key

    _key_told(new_key(root, date.today(), in_keyring=keyring), as_json)


@keys.command("rotate")
def keys_rotate(
    revoke: Annotated[bool, typer.Option("--revoke", help="Nothing that the old key signed is to be trusted.")] = False,
    because: Annotated[str | None, typer.Option(help="Why it is revoked.")] = None,
    keyring: InFile = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Retire the signing key and make another; what the old one signed still verifies, unless it is revoked."""
    from sdc.release.signers import rotate

    _key_told(rotate(root, date.today(), revoke=revoke, because=because, in_keyring=keyring), as_json)


@keys.command("list")
def keys_list(root: Root = HERE, as_json: Json = False) -> None:
    """List all signing keys: fingerprint, since when, until when, revoked or not."""
    from sdc.release.signers import SIGNERS, read_keys

    found = [json.loads(key.model_dump_json()) for key in read_keys(root / SIGNERS)]
    grid = Grid("key", Column("fingerprint", overflow="fold"), "since", "until", "revoked")
    for key in found:
        grid.add_row(key["id"], key["fingerprint"], key["since"], key["until"] or "", key["revoked"] or "")
    tell({"keys": found}, as_json, grid if found else "There is no signing key yet: sdc release keys new")


@keys.command("export")
def keys_export(
    out: Annotated[Path, typer.Option(help="Folder.", file_okay=False)], root: Root = HERE, as_json: Json = False
) -> None:
    """Write what recipients need: `allowed_signers`, `revoked_keys` and the list as JSON. Publish these."""
    from sdc.release.signers import export_keys

    written = [str(path) for path in export_keys(root, out)]
    tell({"written": written}, as_json, written)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="A file, such as a letter or an export.", dir_okay=False)],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Sign a file for recipients: FILE.sig beside it, in the namespace `dtm-sdc-file`.

    It is no signature on a release or a notice: those are signed when they are published.
    """
    from sdc.errors import DataError
    from sdc.files import write_text
    from sdc.release.signers import FILES, load_signer
    from sdc.release.sshsig import sign as signature_of

    signer = load_signer(root)
    if not file.is_file():
        raise DataError(str(file), "there is no such file")
    signature = file.with_name(f"{file.name}.sig")
    write_text(signature, signature_of(file.read_bytes(), signer.private, FILES))
    tell({"signature": str(signature), "fingerprint": signer.key.fingerprint}, as_json, str(signature))


@app.command()
def encrypt(
    release: Release,
    out: Annotated[Path, typer.Option(help="File to write, such as share.age.", dir_okay=False)],
    actor: As = "",
    to: Annotated[str | None, typer.Option(help="age1...; if not given, the key in recipients.yaml.")] = None,
    unencrypted_because: Annotated[str | None, typer.Option(help="Reason to share a plain tar.")] = None,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write a release as one file, encrypted to its recipient, and enter the share in the catalogue."""
    from sdc.release.sealing import RECIPIENTS, read_recipients, share

    by = acting(actor)
    with _register(root, by, "share", release):
        done = share(
            root / "releases",
            release,
            out,
            recipients=read_recipients(root / RECIPIENTS),
            to=to,
            by=by,
            today=date.today(),
            unencrypted_because=unencrypted_because,
        )
    how = "plain" if done["age"] is None else "encrypted"
    told = f"{out}: {done['release_id']}, {how}, for {done['to']}"
    tell({**done, "file": str(out)}, as_json, [told, "Once it was sent: sdc request share REQ --channel CHANNEL"])


@app.command()
def decrypt(
    file: Annotated[Path, typer.Argument(help="What was sent.", dir_okay=False)],
    identity: Annotated[Path, typer.Option(help="File with your secret key, from `age-keygen`.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder to unpack into.", file_okay=False)],
    as_json: Json = False,
) -> None:
    """Open an encrypted share, as its recipient."""
    from sdc.release.sealing import open_sealed

    package = open_sealed(file, identity, out)
    tell({"package": str(package)}, as_json, f"{package}\nNow run: python {package / 'verify.py'}")


@app.command()
def whose(
    file: Annotated[Path, typer.Argument(help="The file that turned up: CSV, XLSX, text.", dir_okay=False)],
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Name the recipient whose copy a leaked extract is, by the record ids left in it; says how sure, or nobody."""
    from sdc.release.catalogue import read_catalogue
    from sdc.release.leaks import texts_of
    from sdc.release.provenance import KEY, read_secret
    from sdc.release.pseudonyms import LEAST_IDS, lines_of
    from sdc.release.pseudonyms import whose as trace

    entries = read_catalogue(root / "releases")
    found = trace(texts_of(file), lines_of(entries), read_secret(root / KEY, make=False))
    named = [_traced(each, entries) for each in found if each.named]
    weak = [_traced(each, entries) for each in found if not each.named]
    grid = Grid("recipient", Column("releases", overflow="fold"), "ids", "share of ids", "by chance")
    for row in named:
        share, chance = f"{100 * row['share']:.0f} %", f"< {max(row['chance'], 1e-300):.0e}"
        grid.add_row(row["organisation"], " ".join(row["releases"]), str(row["ids"]), share, chance)
    nobody = f"Nobody is named: fewer than {LEAST_IDS} ids of any release are in it."
    answer = {"named": named, "too_weak": len(weak), "least_ids": LEAST_IDS}
    tell(answer, as_json, grid if named else nobody)


@app.command()
def supersede(
    old: Annotated[str, typer.Argument(help="The release that is replaced.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="The release that replaces it.", metavar="NEW")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Say that one release replaces another. A new version of the same request does so by being published."""
    from sdc.release.notices import supersede as link
    from sdc.release.signers import load_signer

    by, signer = acting(actor), load_signer(root)
    with _register(root, by, "publish", old, new) as enter:
        entry = link(root / "releases", old, new, by=by, today=date.today(), signer=signer, enter=enter)
        enter(entry)
    tell(entry, as_json, f"{entry['release_id']}: superseded by {entry['superseded_by']}")


@app.command()
def withdraw(
    release: Release,
    reason: Annotated[str, typer.Option(help="disclosure_risk, data_error, legal, recipient_breach or other.")],
    actor: As = "",
    note: Annotated[str, typer.Option(help="For the house only.")] = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Withdraw a release: a signed tombstone with the reason, and who must delete their copies."""
    from sdc.release.notices import withdraw as bury
    from sdc.release.signers import load_signer

    by, signer = acting(actor), load_signer(root)
    with _register(root, by, "mark", release) as enter:
        given: dict[str, Any] = {"reason": reason, "by": by, "today": date.today(), "note": note}
        entry = bury(root / "releases", release, signer=signer, enter=enter, **given)
        enter(entry)
    told = f"{entry['release_id']}: withdrawn. Must delete: {', '.join(entry['withdrawn']['must_delete'])}."
    tell(entry, as_json, [told, f"Send them releases/notices/{entry['release_id']}.withdrawn.json and its .sig."])


@app.command()
def destroyed(
    release: Release,
    organisation: Annotated[str, typer.Option(help="Who confirms it, as the request names them.")],
    on: Annotated[str, typer.Option(help="Day of destruction, YYYY-MM-DD.", metavar="DAY")],
    actor: As = "",
    evidence: Annotated[str, typer.Option(help="Where the confirmation is filed.")] = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Record a destruction certificate: an organisation confirms that its copies are gone."""
    from sdc.register.entry import day
    from sdc.release.notices import destroyed as record
    from sdc.release.signers import load_signer

    by, signer = acting(actor), load_signer(root)
    with _register(root, by, "mark", release) as enter:
        given: dict[str, Any] = {
            "organisation": organisation,
            "on": date.fromisoformat(str(day(on, "--on"))),
            "by": by,
            "today": date.today(),
            "evidence": evidence,
        }
        entry = record(root / "releases", release, signer=signer, enter=enter, **given)
        enter(entry)
    tell(entry, as_json, f"{entry['release_id']}: {organisation} confirmed the destruction of its copies.")


@app.command()
def due(
    days: Annotated[int, typer.Option(min=0, help="Look so many days ahead.")] = 30,
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """List copies to be destroyed and not confirmed yet, and raw data that no release needs any more."""
    from sdc.release.catalogue import read_catalogue
    from sdc.release.notices import due as owed
    from sdc.release.purge import waiting

    today = date.today()
    copies, raw = owed(read_catalogue(root / "releases"), today, days), waiting(root, today)
    grid = Grid(Column("what", no_wrap=True, overflow="fold"), "who", "by", "why")
    for row in copies:
        grid.add_row(row["release_id"], row["organisation"], row["delete_by"], row["why"])
    for row in raw:
        grid.add_row(row["extract"], "this house: sdc release purge", row["needed_until"] or "", "not needed")
    tell({"copies": copies, "raw": raw}, as_json, grid if grid.rows else "Nothing is due.")


@app.command()
def purge(
    extracts: Annotated[list[str], typer.Argument(help="Names of extracts in params.yaml.", metavar="EXTRACT...")],
    because: Annotated[str, typer.Option(help="Why, in a sentence.")],
    actor: As = "",
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Delete raw and typed files of extracts with every copy of them in the checkout, and sign a record of it."""
    from sdc.release.provenance import KEY, read_secret
    from sdc.release.purge import purge as delete
    from sdc.release.signers import load_signer

    secret = read_secret(root / KEY, make=False)
    signer = load_signer(root)
    by = acting(actor)
    with _register(root, by, "mark"):
        record = delete(root, extracts, by=by, because=because, today=date.today(), signer=signer, secret=secret)
    copies = sum(row["role"] == "copy" for row in record["files"])
    told = f"{record['purge_id']}: {len(record['files'])} files deleted, {copies} of them copies."
    tell(record, as_json, [told, "Backups and old disk blocks are not reached: see to them too."])


@app.command()
def export(
    release: Release,
    to: Annotated[str, typer.Option(help="bagit, ddi, csvw, ckan or prov.")],
    out: Annotated[Path, typer.Option(help="Folder.", file_okay=False)] = Path("exports"),
    root: Root = HERE,
    as_json: Json = False,
) -> None:
    """Write a release in the shape of another system; it must verify first."""
    from sdc.release.catalogue import read_catalogue
    from sdc.release.exports import export as write
    from sdc.release.notices import entry_named
    from sdc.release.verify import verify

    entry = entry_named(read_catalogue(root / "releases"), release)
    folder = root / "releases" / entry["path"]
    verify(folder)
    written = write(folder, to, out)
    tell({"written": str(written)}, as_json, str(written))


def _key_told(key: Any, as_json: bool) -> None:
    lines = [f"{key.id}: {key.fingerprint}", "Commit signers/, run `dvc repro`, and tell recipients the fingerprint."]
    tell(json.loads(key.model_dump_json()), as_json, lines)


def _traced(trace: Any, entries: list[dict]) -> dict:
    """A trace with the release ids of its line."""
    from sdc.release.pseudonyms import lines_of

    line = trace.line
    ids = [entry["release_id"] for entry in entries if lines_of([entry]) == [line]]
    told = {"organisation": line.organisation, "request_id": line.request_id, "releases": ids}
    return {**told, "ids": trace.ids, "share": trace.share, "chance": trace.chance}


@contextmanager
def _register(root: Path, actor: str, verb: str, *releases: str) -> Iterator[Enter]:
    """What tells register and facts of a change; who may not act, or acts on what is not registered, changes nothing.

    What a killed publication left is ended before anything else. Nothing is shared of a request that was revoked.
    """
    from sdc.errors import ApprovalError
    from sdc.register.states import ENDS
    from sdc.release.anchors import require_register
    from sdc.release.catalogue import read_catalogue
    from sdc.release.notices import entry_named
    from sdc.release.store import opened

    with cli_request.opened(root) as register:
        register.require(actor, verb)
        enter = cli_audit.entering(root, register, actor, cli_request.now)
        with opened(root / "releases", enter):
            entries = read_catalogue(root / "releases")
        require_register(register, entries)
        for release in releases:
            entry = entry_named(entries, release)
            enter(entry)
            state = register.state(entry["request_id"])
            if verb == "share" and state in ENDS:
                told = f"is `{state}`: nothing of it is sent any more"
                raise ApprovalError(entry["request_id"], told, "See `sdc request show`.")
        yield enter
