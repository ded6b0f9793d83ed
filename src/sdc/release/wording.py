"""The fixed words of a package, in each language it can speak."""

import json
from collections.abc import Mapping
from importlib.resources import files

PUBLISHER = "International Organization for Migration (IOM), Displacement Tracking Matrix (DTM)"
RIGHT_TO_LEFT = frozenset({"ar"})

_SPOKEN = json.loads(files("sdc.release").joinpath("wording.json").read_text(encoding="utf-8"))

WORDS: Mapping[str, Mapping[str, str]] = {language: said["words"] for language, said in _SPOKEN.items()}
# What a step of the plan does, without any of its numbers; {columns} are labels.
METHODS: Mapping[str, Mapping[str, str]] = {language: said["methods"] for language, said in _SPOKEN.items()}
