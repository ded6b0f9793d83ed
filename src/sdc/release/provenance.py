"""What a package is made from: commit, documents, inputs under a key."""

import hmac
import os
import secrets
import stat
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from sdc import __version__
from sdc.errors import IntegrityError
from sdc.files import sha256_of
from sdc.inputs import Folders
from sdc.plan import Brief
from sdc.register.history import Head

KEY = Path(".sdc") / "key"
DECIDES = ("src", "pipelines", "dictionary", "policies", "requests", "params.yaml", "dvc.yaml", "constraints.txt")


def provenance(brief: Brief, folders: Folders, plan: Path, inputs: Mapping[str, Path], key: Path) -> dict:
    """Where a package comes from, for its manifest.

    Inputs are hashed under a secret key, since a plain hash of a small file can be confirmed by guessing its content.

    Parameters
    ----------
    brief : Brief
    folders : Folders
    plan : Path
    inputs : mapping of extract id to its typed file
    key : Path of the key file; it is made when it is not there.

    Raises
    ------
    IntegrityError : when others than its owner can read the key.
    """
    secret = read_secret(key)
    return {
        **_commit(),
        "pipeline_version": __version__,
        "policy_sha256": sha256_of(folders.policies / f"{brief.request.policy}.yaml"),
        "dictionary_sha256": sha256_of(folders.dictionaries / f"{brief.request.component}.yaml"),
        "request_sha256": sha256_of(folders.requests / f"{brief.request.id}.yaml"),
        "plan_sha256": sha256_of(plan),
        "engine": brief.policy.engine.value,
        "inputs": [
            {"id": name, "hmac_sha256": hmac.new(secret, path.read_bytes(), sha256).hexdigest()}
            for name, path in sorted(inputs.items())
        ],
    }


def _commit() -> dict:
    """The commit that is checked out, and whether anything that decides a release differs from it."""
    try:
        commit = _git("rev-parse", "HEAD")
        dirty = bool(_git("status", "--porcelain", "--", *DECIDES))
    except (OSError, subprocess.CalledProcessError):
        return {"git_commit": None, "git_dirty": None}
    return {"git_commit": commit, "git_dirty": dirty}


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()


def read_secret(path: Path, *, make: bool = True) -> bytes:
    """The master key of the house; it is made when it is not there, if that is asked.

    Raises
    ------
    IntegrityError : when others than its owner can read it, or it is not there and must be.
    """
    if not path.exists() and not make:
        raise IntegrityError(str(path), "the master key is not there", "Run this where the releases were made.")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as new:
            new.write(secrets.token_bytes(32))
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise IntegrityError(str(path), "others than its owner can read the key", f"Run `chmod 600 {path}`.")
    return path.read_bytes()


def publication(root: Path, register: Head) -> dict:
    """What is known only when a release is published: the commit, the lock that names every input and output, and how
    far the register had come.
    """
    lock = root / "dvc.lock"
    locked = sha256_of(lock) if lock.exists() else None
    return {**_commit(), "dvc_lock_sha256": locked, "register": register._asdict()}
