"""A request named in params.yaml, and what the register is told of a release by any command on the store."""

import pytest
import yaml

from register_cases import AT, ID, MANAGER, OFFICER, PREPARER, SECOND, bring, entry, go, office, order
from sdc.errors import ApprovalError, RequestError
from sdc.params import read_params, require_component, wire
from sdc.register.verbs import show

LAYOUT = {"format": "csv", "encoding": "utf-8", "separator": ",", "header_row": 1}
EXTRACT = {"component": "mobility_tracking", "round": 1, "path": "data/raw/x.csv", "layout": LAYOUT}
MASTER = {"because": "So that nothing can be subtracted.", "tiers": ["restricted", "public"]}
OTHERS = "requests:\n  REQ-2026-001: {component: site_list, policy: public}  # the first\n"


def params(folder, requests: str, **more):
    path = folder / "params.yaml"
    path.write_text(f"# ours\n{requests}{yaml.safe_dump({'extracts': {'x': EXTRACT}, **more})}")
    return path


@pytest.mark.parametrize("requests", [OTHERS, "requests: {}\n"])
def test_a_request_is_added_once_and_nothing_else_changes(tmp_path, requests):
    path = params(tmp_path, requests)
    before = path.read_text().replace("requests: {}", "requests:").splitlines()
    assert wire(path, order())
    after = path.read_text()
    assert [line for line in after.splitlines() if ID not in line] == before
    assert read_params(path).requests[ID].model_dump() == {
        "component": "mobility_tracking",
        "policy": "public",
        "cut_from": "own",
    }
    assert not wire(path, order())
    assert path.read_text() == after


def test_its_component_is_added_to_those_whose_releases_are_known(tmp_path):
    path = params(tmp_path, f"components: [site_list]  # known\n{OTHERS}")
    with pytest.raises(RequestError, match=r"Write: `components: \[site_list, mobility_tracking\]`"):
        require_component(read_params(path), path, "mobility_tracking")
    assert wire(path, order())
    assert "components: [site_list, mobility_tracking]  # known\n" in path.read_text()
    require_component(read_params(path), path, "mobility_tracking")
    assert read_params(path).requests.keys() == {"REQ-2026-001", ID}


def test_cut_from_the_master_where_its_population_has_one(tmp_path):
    path = params(tmp_path, OTHERS, masters={"mobility_tracking": MASTER})
    wire(path, order())
    wire(path, order(id="REQ-2026-043", policy="internal"))
    assert {name: wiring.cut_from for name, wiring in read_params(path).requests.items()} == {
        "REQ-2026-001": "own",
        ID: "master",
        "REQ-2026-043": "own",
    }


def test_a_file_that_a_line_cannot_be_added_to_stays_and_the_line_is_told(tmp_path):
    path = params(tmp_path, "requests: {REQ-2026-001: {component: site_list, policy: public}}\n")
    before = path.read_text()
    with pytest.raises(RequestError, match=f"{ID}: {{component: mobility_tracking, policy: public}}"):
        wire(path, order())
    assert path.read_text() == before


@pytest.fixture
def shared(tmp_path):
    """A request whose release is out and is to be deleted one day."""
    with office(str(tmp_path / "register.sqlite")) as register:
        bring(register, "review")
        go(register, "review")
        go(register, "review", SECOND)
        register.released(entry(delete_by="2027-12-31"), OFFICER, AT)
        go(register, "share")
        yield register


def gone(organisation: str) -> dict:
    copies = {"organisation": organisation, "on": "2026-11-20"}
    return entry(delete_by="2027-12-31", status="released", destroyed=[copies])


def test_a_certificate_of_those_it_was_made_for_meets_the_obligation(shared):
    shared.entered(gone("Somebody who was given a copy"), OFFICER, AT)
    assert [owed["done_on"] for owed in show(shared, ID)["obligation"]] == [None]
    for _ in range(2):
        shared.entered(gone("Ministry of Relief (fictitious)"), MANAGER, AT)
    assert [owed["done_on"] for owed in show(shared, ID)["obligation"]] == ["2026-11-02"]
    assert [event["verb"] for event in show(shared, ID)["events"]].count("mark") == 2
    shared.verify()


def test_all_that_became_of_a_release_is_told_and_once(shared):
    withdrawn = {"reason": "data_error", "note": "Wrong answers.", "on": "2026-11-20"}
    told = entry(status="withdrawn", superseded_by="DTM-NEW", withdrawn=withdrawn, delete_by="2027-12-31")
    with pytest.raises(ApprovalError, match="publish"):
        shared.entered(told, MANAGER, AT)
    shared.entered(told, OFFICER, AT)
    head = shared.head()
    for actor in (OFFICER, MANAGER, PREPARER):  # nothing is told anew, so nobody needs a right
        shared.entered(told, actor, AT)
    assert shared.head() == head
    assert [row["status"] for row in shared.releases(ID)] == ["withdrawn"]
