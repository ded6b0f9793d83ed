"""A release in the shapes of other systems, each written from the package alone: what it tells, no more."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sdc.errors import IntegrityError
from sdc.files import write_text
from sdc.release.exports.bagit import write_bag
from sdc.release.exports.ckan import ckan_package
from sdc.release.exports.csvw import csvw_metadata
from sdc.release.exports.ddi import ddi_codebook
from sdc.release.exports.prov import prov_document
from sdc.release.manifest import MANIFEST

Documents = tuple[dict, dict]  # manifest, Data Package


class Export(NamedTuple):
    """One shape: what its file is called, and the function that gives its text."""

    file: str
    text: Callable[[Mapping, Mapping], str]


def _json(write: Callable[[Mapping, Mapping], Any]) -> Callable[[Mapping, Mapping], str]:
    return lambda manifest, package: json.dumps(write(manifest, package), indent=2, ensure_ascii=False) + "\n"


EXPORTS: Mapping[str, Export] = {
    "ddi": Export("ddi.xml", ddi_codebook),
    "csvw": Export("csv-metadata.json", _json(csvw_metadata)),
    "ckan": Export("ckan.json", _json(ckan_package)),
    "prov": Export("prov.json", _json(prov_document)),
}
SHAPES = ("bagit", *EXPORTS)


def export(release: Path, shape: str, out: Path) -> Path:
    """Write a release in another shape.

    Parameters
    ----------
    release : Path
        A package that verifies.
    shape : one of `SHAPES`
    out : Path
        Folder to write into. Of a bag it is the parent.

    Returns
    -------
    Path of the file, or of the bag

    Raises
    ------
    IntegrityError : when the shape is unknown, or the bag is there already.

    Guarantees
    ----------
    * The same release gives the same bytes.
    """
    if shape not in SHAPES:
        raise IntegrityError(shape, "is no shape of an export", f"Shapes: {', '.join(SHAPES)}.")
    manifest = json.loads((release / MANIFEST).read_bytes())
    if shape == "bagit":
        return write_bag(release, manifest, out)
    package = json.loads((release / "datapackage.json").read_bytes())
    path = out / f"{manifest['release_id']}.{EXPORTS[shape].file}"
    write_text(path, EXPORTS[shape].text(manifest, package))
    return path
