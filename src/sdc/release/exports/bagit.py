"""A release as a bag (BagIt 1.0, RFC 8493): what archives take in."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sdc.errors import IntegrityError
from sdc.files import appearing_folder, sha256_of
from sdc.release.wording import PUBLISHER


def write_bag(release: Path, manifest: Mapping, out: Path) -> Path:
    """The package as the payload of a bag, whole or not at all."""
    target = out / f"{manifest['release_id']}-bag"
    if target.exists():
        raise IntegrityError(str(target), "is there already", "Name another folder.")
    with appearing_folder(target) as bag:
        names = sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file())
        for name in names:
            copy = bag / "data" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(release / name, copy)
        size = sum((release / name).stat().st_size for name in names)
        tags = {
            "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": _folded(
                {
                    "Source-Organization": PUBLISHER,
                    "Contact-Email": manifest["use"]["contact"],
                    "External-Description": manifest["title"],
                    "External-Identifier": manifest["release_id"],
                    "Bagging-Date": manifest["created_at"],
                    "Payload-Oxum": f"{size}.{len(names)}",
                }
            ),
            "manifest-sha256.txt": "".join(f"{sha256_of(release / name)}  data/{name}\n" for name in names),
        }
        for name, text in tags.items():
            (bag / name).write_bytes(text.encode("utf-8"))
        tagged = "".join(f"{sha256_of(bag / name)}  {name}\n" for name in sorted(tags))
        (bag / "tagmanifest-sha256.txt").write_bytes(tagged.encode("utf-8"))
        bag.chmod(0o755)
    return target


def _folded(entries: Mapping[str, str]) -> str:
    return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in entries.items())
