"""Three rounds of real location data, two tiers: what releases made apart give away, and what our route leaves."""

from pathlib import Path

import pytest
import yaml

from sdc.audit.counts import Limits, audit_counts
from sdc.audit.facts import facts_of
from sdc.dictionary import read_dictionary
from sdc.ingest import ingest, read_extract
from sdc.master import Served, compile_cut
from sdc.params import Master
from sdc.plan import Brief, apply
from sdc.policy import read_policy
from sdc.request import Request
from sdc.steps import STEPS
from sdc.steps.counts import least_counts
from sdc.table import stack

pytestmark = [pytest.mark.shared, pytest.mark.slow]
COMPONENT = "mobility_tracking_iraq"
FILES = {4: "18082014", 5: "01092014", 6: "14092014"}
LEAST = {"public": (10, 10, 20), "restricted": (5, 5, 10)}


@pytest.fixture(scope="module")
def rounds(shared: Path, repo: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("iraq")
    names = folder / "header.txt"
    names.write_bytes((shared / "data" / "dtm" / "iraq2014_HEADER_41cols.txt").read_bytes())
    layout = {"format": "csv", "header_row": None, "names_file": str(names), "date_formats": ["%d %b %Y", "%d-%m-%Y"]}
    files = {number: shared / "data" / "dtm" / f"iraq2014_DTM_Dataset_{day}.csv" for number, day in FILES.items()}
    extracts = {
        f"r{number}": {"component": COMPONENT, "round": number, "path": str(path), "layout": layout}
        for number, path in files.items()
    }
    (folder / "params.yaml").write_text(yaml.safe_dump({"extracts": extracts, "requests": {}}))
    dictionary = read_dictionary(repo / "dictionary" / f"{COMPONENT}.yaml")
    tables = [ingest(files[n], read_extract(folder / "params.yaml", f"r{n}"), dictionary)[0] for n in files]
    return dictionary, stack(tables)


def limits(table, tier):
    least = LEAST[tier]
    return Limits(minimum_count=least[0], minimums=least_counts(table, *least), minimum_change=least[0])


def facts(before, after, tier, base):
    about = {"release_id": tier, "limits": {"minimums": dict(limits(before, tier).minimums)}}
    return facts_of(before, after, about, base=base)


def test_releases_made_apart_give_small_counts_away_and_those_of_the_master_none(rounds, repo):
    dictionary, before = rounds
    policies = {tier: read_policy(repo / "policies" / f"{tier}.yaml").for_component(COMPONENT) for tier in LEAST}
    counts = [v.name for v in before.variables if v.role == "count"]
    small = STEPS["suppress_counts"](before, counts, 5)
    by = ["admin1_name", "admin2_name", "origin_admin1_name", "round"]
    apart = STEPS["suppress_counts"](STEPS["aggregate_counts"](before, by), counts, 10)
    known = [facts(before, small, "restricted", 1), facts(before, apart, "public", 1)]
    found = audit_counts(known, before.links, limits(before, "restricted"))
    assert found.complete
    assert len(found.exposed) > 0
    cut = []
    for tier, base in (("restricted", 1), ("public", 5)):
        asked = {"variables": "all", "importance": {}, "rounds": (4, 5, 6), "component": COMPONENT, "country": "IRQ"}
        request = Request.model_construct(id="REQ-2026-104", **asked)
        brief = Brief(dictionary, policies[tier], request)
        master = Master(because="Three rounds, two tiers.", tiers=("restricted", "public"))
        steps = compile_cut(before, brief, Served(master, (policies[tier],)))
        cut.append(facts(before, apply(steps, before, bytes(32))[0], tier, base))
    found = audit_counts(cut, before.links, limits(before, "restricted"))
    assert found.complete
    assert len(found.exposed) == 0
