"""The rules of the house that a machine can keep."""

import ast
import re
from pathlib import Path

import pytest

from sdc.cli import app, suites
from sdc.errors import SdcError
from sdc.steps import STEPS

REPO = Path(__file__).resolve().parents[1]
SOURCE = REPO / "src" / "sdc"
MODULES = sorted(SOURCE.rglob("*.py"))

FLOORS = (
    {"errors", "pages"},
    {"documents", "stage"},
    {"dictionary"},
    {"policy", "request", "keys", "hierarchies", "pcodes"},
    {"risk", "cells"},
    {"table"},
    {"files", "engines"},
    {"ingest", "steps"},
    {"utility", "samples", "expectations"},
    {"forms"},
    {"drafts"},
    {"search"},
    {"params"},
    {"plan", "verdict", "register"},
    {"master", "audit"},
    {"inputs", "frontier"},
    {"report", "chain"},
    {"release"},
    {"inspection", "bench"},
    {"cli_bench", "cli_request"},
    {"cli_cells", "cli_dictionary", "cli_ingest", "cli_audit"},
    {"cli_board", "cli_release"},
    {"cli_registry"},
    {"cli"},
)
HOMES = {
    "great_expectations": {"expectations"},
    "rpy2": {"engines"},
    "openpyxl": set(),
    "xlsxwriter": {"release", "samples", "forms", "register"},
    "sqlalchemy": {"ingest", "register"},
    "highspy": {"cells", "engines"},
    "matplotlib": {"report"},
    "numba": {"engines", "risk", "keys"},
    "dvc": set(),
    "phonenumbers": {"ingest"},
    "cryptography": {"release"},
    "pyrage": {"release"},
    "keyring": {"release", "ingest"},
    "python_calamine": {"ingest"},
    "pyreadstat": {"ingest"},
    "charset_normalizer": {"ingest"},
}


def room(path: Path) -> str:
    """Name of the module or package directly below `sdc`."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Full names of all modules that a file imports."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_downward_only(path):
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    own = room(path)
    if own == "__init__":
        return
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "sdc" and len(parts) > 1 and parts[1] != own:
            assert floor[parts[1]] < floor[own], f"{own} (floor {floor[own]}) imports {module}"


@pytest.mark.parametrize("judge", ["verdict", "cells", "risk"])
def test_whoever_judges_shares_no_deciding_code_with_whoever_protects(judge):
    protectors = {"engines", "steps", "plan", "search"}
    for path in sorted((SOURCE / judge).rglob("*.py")):
        shared = [
            name for name in imports(path) if name.split(".")[:1] == ["sdc"] and set(name.split(".")) & protectors
        ]
        assert not shared, f"{path.name} imports {shared}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_each_heavy_library_has_one_home(path):
    for module in imports(path):
        homes = HOMES.get(module.split(".")[0])
        assert homes is None or room(path) in homes, f"{module} in {path.name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_says_its_one_reason_and_stays_small(path):
    text = path.read_text()
    doc = ast.get_docstring(ast.parse(text))
    assert doc, "no first line"
    assert doc.splitlines()[0].endswith("."), "the first line is a sentence"
    assert len(text.splitlines()) <= 500


def test_no_junk_drawers():
    assert not [p for p in MODULES if p.stem in {"utils", "helpers", "common", "misc", "manager"}]


def test_scripts_of_the_pipeline_are_short_and_hold_no_paths():
    for path in (REPO / "pipelines").glob("*.py"):
        text = path.read_text()
        assert len([line for line in text.splitlines() if line.strip()]) <= 36, path.name
        assert not re.search(r"[\"'](data|releases|policies|dictionary|requests)/", text), path.name


def _errors(kind: type = SdcError) -> list[type]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in _errors(child))]


def test_each_error_has_a_heading():
    text = (REPO / "docs" / "how-to" / "errors.md").read_text()
    for kind in _errors()[1:]:
        if kind.__module__.startswith("sdc."):
            assert f"## {kind.__name__}" in text, kind.__name__


def test_each_step_is_documented():
    text = (REPO / "docs" / "reference" / "steps.md").read_text()
    for name in STEPS:
        assert f"## {name}" in text, name


def test_each_command_is_documented():
    text = (REPO / "docs" / "reference" / "commands.md").read_text()
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    names += [f"expectations {c.name}" for c in suites.registered_commands]
    for name in names:
        assert f"## sdc {name}" in text, name


def test_each_rule_of_a_policy_is_documented():
    from sdc.policy import Policy, Rule

    text = (REPO / "docs" / "reference" / "policy.md").read_text()
    for name, field in Policy.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Rule):
            assert f"`{name}`" in text, name
