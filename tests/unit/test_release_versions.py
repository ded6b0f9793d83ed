"""The version follows from what changed: the tool decides, and a package with too low a number is not published."""

import json
from pathlib import Path

import pytest

from release_samples import copy_of, places, policy, released, seal, signer, survey
from sdc.dictionary import Dictionary
from sdc.errors import IntegrityError
from sdc.release.catalogue import read_catalogue
from sdc.release.package import build_next
from sdc.release.publish import candidate_of
from sdc.release.verify import verify
from sdc.release.versions import change, first_version, latest, parsed


class House:
    """A store and the candidates for it."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, root / "releases"

    def candidate(self, given: dict) -> Path:
        folder = self.root / "candidates" / str(len(list((self.root).glob("candidates/*"))))
        return build_next(folder, store=self.store, **given)

    def publish(self, candidate: Path, given: dict) -> Path:
        return released(self.store, candidate, given)

    def released(self, given: dict) -> Path:
        return self.publish(self.candidate(given), given)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def version(package: Path) -> str:
    return json.loads((package / "manifest.json").read_bytes())["version"]


def titled(given: dict, title: str) -> dict:
    return {**given, "request": given["request"].model_copy(update={"title": title})}


def some(given: dict, rows) -> dict:
    """The same protected records, or a part of them."""
    return {**given, "table": given["table"].with_rows(given["table"].rows.iloc[rows])}


def lenient() -> dict:
    """A survey whose policy promises nothing that a part of its rows would break."""
    return {**survey(), "policy": policy(k={"breach": "warn"}, ell={"breach": "warn"})}


def test_the_first_release_is_1_0_0_or_what_the_request_asks_at_least(house):
    assert version(house.candidate(places())) == "1.0.0"
    assert version(house.candidate(places(version="3.0.0"))) == "3.0.0"
    assert first_version("0.1.0") == "1.0.0"


def test_nothing_changed_is_the_same_release(house):
    given = survey()
    released = house.released(given)
    again = house.candidate({**given, "provenance": {**given["provenance"], "git_commit": "f" * 40}})
    assert again.name == json.loads((released / "manifest.json").read_bytes())["release_id"]
    assert house.publish(again, given) == released
    assert len(read_catalogue(house.store)) == 1


def test_another_signing_key_alone_asks_for_no_release(house):
    given = survey()
    house.released(given)
    assert version(house.candidate({**given, "signing": signer(2).key.fingerprint})) == "1.0.0"


def test_documents_alone_are_a_patch_and_leave_every_data_file_as_it_was(house):
    given = survey()
    first = house.released(given)
    other = {**given, "request": given["request"].model_copy(update={"purpose": "To see it again, in other words."})}
    second = house.released(other)
    assert version(second) == "1.0.1"
    for name in ("flow_survey.csv", "flow_survey.xlsx"):
        assert (first / "data" / name).read_bytes() == (second / "data" / name).read_bytes()
    before, after = read_catalogue(house.store)
    assert (before["status"], before["superseded_by"]) == ("superseded", after["release_id"])
    assert (after["status"], after["supersedes"]) == ("released", before["release_id"])
    assert json.loads((second / "manifest.json").read_bytes())["supersedes"] == before["release_id"]
    verify(first)
    verify(second)


def test_a_language_more_is_a_patch(house):
    given = survey(languages=["en"])
    house.released(given)
    more = {**given, "request": given["request"].model_copy(update={"languages": ("en", "es", "ar")})}
    assert version(house.candidate(more)) == "1.0.1"


def test_rows_more_from_the_same_master_are_minor_and_keep_their_ids(house):
    given = lenient()
    first = house.released(some(given, slice(0, 200)))
    second = house.released(given)
    assert version(second) == "1.1.0"
    old, new = ((package / "data/flow_survey.csv").read_text().splitlines() for package in (first, second))
    assert set(old) <= set(new)
    assert len(new) == 301


def test_a_column_more_is_minor(house):
    given = lenient()
    fewer = {**given, "table": given["table"].drop(["started"])}
    house.released(fewer)
    assert version(house.released(given)) == "1.1.0"


@pytest.mark.parametrize("what", ["value", "row gone", "column gone", "protection"])
def test_a_value_a_row_or_the_protection_is_major_and_draws_new_ids(house, what):
    given = lenient()
    first = house.released(given)
    rows = given["table"].rows.copy()
    if what == "value":
        rows.iloc[7, rows.columns.get_loc("weight")] += 1
        changed = {**given, "table": given["table"].with_rows(rows)}
    elif what == "row gone":
        changed = some(given, slice(1, None))
    elif what == "column gone":
        changed = {**given, "table": given["table"].drop(["started"])}
    else:
        changed = {**given, "policy": policy(k={"value": 3, "breach": "warn"}, ell={"breach": "warn"})}
    second = house.released(changed)
    assert version(second) == "2.0.0"
    old, new = ({line.split(",")[0] for line in (p / "data/flow_survey.csv").read_text().splitlines()[1:]}
                for p in (first, second))  # fmt: skip
    assert not old & new


def test_counts_are_compared_row_by_row_in_whatever_order(house):
    given = places()
    house.released(some(given, slice(0, 50)))
    assert version(house.released(given)) == "1.1.0"
    turned = some(given, slice(None, None, -1))
    package = house.candidate(turned)
    assert version(package) == "1.2.0", "the file differs, no row does"
    rows = given["table"].rows.copy()
    rows.loc[rows["men"].dropna().index[0], "men"] = 55
    rows["persons"] = rows["persons"].mask(rows["men"] == 55)
    rows["women"] = rows["women"].mask(rows["men"] == 55)
    assert version(house.candidate({**given, "table": given["table"].with_rows(rows)})) == "2.0.0"


def test_a_coarser_level_is_major(house):
    given = lenient()
    house.released(given)
    dictionary = given["dictionary"].model_dump(mode="json")
    described = next(each for each in dictionary["variables"] if each["name"] == "reason")
    described["codes"]["perhaps"] = {"en": "Perhaps"}
    widened = Dictionary.model_validate(dictionary)
    table = given["table"].with_variable(next(v for v in widened.variables if v.name == "reason"))
    assert version(house.candidate({**given, "table": table})) == "2.0.0"


def test_the_least_version_of_the_request_is_kept(house):
    house.released(places())
    again = places(version="4.0.0", purpose="Another purpose, and so another document.")
    package = house.candidate(again)
    assert version(package) == "4.0.0"
    house.publish(package, again)
    assert latest(read_catalogue(house.store), "REQ-2026-042")["version"] == "4.0.0"


def test_a_number_too_low_is_not_published(house, tmp_path):
    given = lenient()
    house.released(given)
    rows = given["table"].rows.copy()
    rows.iloc[7, rows.columns.get_loc("weight")] += 1
    changed = {**given, "table": given["table"].with_rows(rows)}
    package = copy_of(house.candidate(changed), tmp_path / "lower")
    text = (package / "manifest.json").read_text().replace("v2.0.0", "v1.0.1").replace('"2.0.0"', '"1.0.1"')
    (package / "manifest.json").write_text(text)
    for name in ("datapackage.json", "metadata/sdc-record.json"):
        (package / name).write_text((package / name).read_text().replace("v2.0.0", "v1.0.1"))
    seal(package)
    with pytest.raises(IntegrityError, match="MAJOR"):
        house.publish(package, changed)
    assert len(read_catalogue(house.store)) == 1


def test_a_candidate_built_before_the_last_release_is_not_published(house):
    given = places()
    late = house.candidate(titled(given, "Built early"))
    house.released(given)
    later = house.candidate(titled(given, "Built later"))
    assert version(later) == "1.0.1"
    with pytest.raises(IntegrityError, match="another package was released"):
        house.publish(late, titled(given, "Built early"))
    twice = house.candidate(titled(given, "Built twice"))
    house.publish(later, titled(given, "Built later"))
    with pytest.raises(IntegrityError, match="another package was released"):
        house.publish(twice, titled(given, "Built twice"))


def test_a_candidate_for_another_store_is_not_published(house, tmp_path):
    given = places()
    other = House(tmp_path / "other")
    other.released(given)
    package = other.candidate(titled(given, "Second there"))
    with pytest.raises(IntegrityError, match="for another store"):
        house.publish(package, titled(given, "Second there"))


def test_highest_is_by_number_and_not_by_text():
    entries = [{"request_id": "R", "version": version} for version in ("1.9.0", "1.10.0", "1.2.0")]
    assert latest(entries, "R")["version"] == "1.10.0"
    assert latest(entries, "S") is None
    assert parsed("1.10.2") > parsed("1.9.9")


def test_change_alone_is_a_patch_where_nothing_differs(house):
    released = house.released(places())
    assert change(released, released) == "patch"


def test_the_only_candidate_is_found(house, tmp_path):
    package = house.candidate(places())
    assert candidate_of(package.parent) == package
    with pytest.raises(IntegrityError, match="no candidate"):
        candidate_of(tmp_path / "absent")
    copy_of(package, package.parent / "second")
    with pytest.raises(IntegrityError, match="more than one"):
        candidate_of(package.parent)
