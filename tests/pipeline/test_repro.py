"""From nothing to a verified release, and again: what is touched runs again, and nothing else."""

import json
import re

import pytest
from checkouts import ACTOR, BUILT, COUNTS, MINIMUM, PERSONS, REVIEWERS, SITES, UNAPPROVED

STAGES = ("grant", "assess", "protect", "validate", "audit", "release")
INGESTED = {"ingest@mobility_tracking_r01", "ingest@mobility_tracking_r02", "ingest@registration_r01"}
COMPONENTS = ("flow_monitoring_survey", "mobility_tracking", "registration", "site_assessment")
KNOWN = {f"known@{component}" for component in COMPONENTS}


def ran(told: str) -> set[str]:
    return set(re.findall(r"Running stage '(.+?)'", told))


def skipped(told: str) -> set[str]:
    return set(re.findall(r"Stage '(.+?)' didn't change, skipping", told))


def stages_of(*requests: str) -> set[str]:
    return {f"{stage}@{request}" for request in requests for stage in STAGES}


def as_json(checkout, *words: str):
    done = checkout.run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_from_nothing_everything_runs(built):
    assert ran(built.log) == INGESTED | KNOWN | stages_of(*BUILT)
    for request in BUILT:
        verdict = json.loads((built.checkout / f"data/verdicts/{request}/verdict.json").read_text())
        assert verdict["gate"] == "pass"
        assert all(check["passed"] for check in verdict["checks"] if check["breach"] == "stop")
        assert (built.checkout / f"data/verdicts/{request}/report.html").stat().st_size > 10_000
        assert (built.checkout / f"data/verdicts/{request}/docs/index.html").exists()


def test_to_a_verified_release(checkout):
    for request in (COUNTS, PERSONS):
        published = as_json(checkout, "sdc", "publish", request, *ACTOR, "--json")
        found = as_json(checkout, "sdc", "verify", published["released"], "--json")
        assert found["verified"] is True
        assert {"SHA256SUMS", "promises", "catalogue"} <= set(found["checks"])
    catalogue = json.loads((checkout / "releases/catalogue.json").read_text())["releases"]
    assert [entry["request_id"] for entry in catalogue] == [COUNTS, PERSONS]
    assert catalogue[0]["approved_by"] == list(REVIEWERS)
    told = as_json(checkout, "sdc", "registry", "catalogue", "--json")["releases"]
    assert [row["manifest_sha256"] for row in told] == [entry["manifest_sha256"] for entry in catalogue]
    as_json(checkout, "sdc", "registry", "verify", "--json")
    standing = {row["request"]: row for row in as_json(checkout, "sdc", "status", "--json")["requests"]}
    assert [len(standing[request]["released"]) for request in BUILT] == [1, 0, 1]
    assert {row["gate"] for row in standing.values()} == {"pass"}


class TestWhatRunsAgain:
    @pytest.mark.slow
    def test_one_number_of_a_policy(self, checkout):
        """Nothing is ingested anew. Other requests are planned anew, as a tier of theirs may hold it, and stay so."""
        before = checkout.files("src")
        checkout.replace("policies/restricted.yaml", f"value: {MINIMUM['restricted']}", f"value: {MINIMUM['public']}")
        assert checkout.run("sdc", "expectations", "write").returncode == 0
        done = checkout.run("dvc", "repro")
        assert done.returncode == 0, done.stdout + done.stderr
        planned = {f"assess@{COUNTS}", f"assess@{PERSONS}"}
        assert ran(done.stdout) == stages_of(SITES) | planned
        assert skipped(done.stdout) == INGESTED | KNOWN | stages_of(COUNTS, PERSONS) - planned
        after = checkout.files("src")
        changed = {path for path in before | after if before.get(path) != after.get(path) and path.startswith("data/")}
        assert changed
        assert all(SITES in path for path in changed)
        told = as_json(checkout, "dvc", "metrics", "diff", "--json")
        figures = told[f"metrics/{SITES}.json"]
        assert set(told) == {f"metrics/{SITES}.json"}
        assert (figures["minimum_count"]["old"], figures["minimum_count"]["new"]) == (
            MINIMUM["restricted"],
            MINIMUM["public"],
        )
        assert figures["share_suppressed"]["diff"] > 0
        plots = as_json(checkout, "dvc", "plots", "diff", "--json")["data"]
        assert {f"metrics/{request}.csv" for request in BUILT} <= set(plots)

    def test_nothing(self, checkout):
        """Nor after everything was copied to another place."""
        done = checkout.run("dvc", "repro")
        assert done.returncode == 0, done.stderr
        assert not ran(done.stdout)
        assert skipped(done.stdout) >= stages_of(*BUILT)
        assert done.stdout.endswith("Data and pipelines are up to date.\n")
        assert as_json(checkout, "dvc", "status", "--json") == {}

    @pytest.mark.parametrize(
        ("path", "stages"),
        [
            (f"requests/{COUNTS}.yaml", stages_of(COUNTS) - {f"protect@{COUNTS}"}),
            ("data/raw/registration_r01.csv", {"ingest@registration_r01"}),
            ("pipelines/release.py", {f"release@{request}" for request in BUILT}),
            (
                "dictionary/registration.yaml",
                {"ingest@registration_r01", *stages_of(PERSONS)} - {f"grant@{PERSONS}", f"protect@{PERSONS}"},
            ),
        ],
        ids=["request", "extract", "script", "dictionary"],
    )
    def test_what_a_changed_file_touches(self, checkout, path, stages):
        """As DVC tells it before it runs; what follows from changed outputs it finds on the way."""
        with (checkout / path).open("a") as file:
            file.write("\n")
        assert set(as_json(checkout, "dvc", "status", "--json")) == stages


def test_metrics_and_plots(built):
    told = as_json(built.checkout, "dvc", "metrics", "show", "--json")
    figures = {name: entry["data"] for name, entry in told[""]["data"].items()} if "" in told else None
    assert figures is not None, told
    persons = figures[f"metrics/{PERSONS}.json"]
    assert persons["k"] == 5
    assert persons["violations_before"] > 0 == persons["violations"]
    assert persons["expected_reidentifications"] < persons["expected_reidentifications_before"]
    for request in BUILT:
        one = figures[f"metrics/{request}.json"]
        assert one["gate"] == "pass"
        assert 0 <= one["share_suppressed"] < 1
        assert 0 < one["information_loss"] < 1
    plots = as_json(built.checkout, "dvc", "plots", "show", "--json")["data"]
    assert {f"metrics/{request}.csv" for request in BUILT} <= set(plots)


def test_what_machines_read(built):
    """`--json` of the commands that look and change nothing."""
    checkout = built.checkout
    before = checkout.files("src", ".dvc", ".sdc")
    plan = as_json(checkout, "sdc", "explain", PERSONS, "--json")
    assert plan["request"] == PERSONS
    assert [step["name"] for step in plan["steps"]][-1] == "sort_records"
    documents = as_json(checkout, "sdc", "check", "--json")["documents"]
    states = {row["document"]: row["state"] for row in documents}
    assert states[f"requests/{UNAPPROVED}.yaml"] == "appraisal"
    assert {states[f"requests/{request}.yaml"] for request in BUILT} == {"approved", "review"}
    findings = as_json(checkout, "sdc", "doctor", "--json")["findings"]
    assert {finding["level"] for finding in findings} <= {"ok", "note"}
    assert checkout.files("src", ".dvc", ".sdc") == before


def test_a_plan_is_read_by_a_person(built):
    told = built.checkout.run("sdc", "explain", PERSONS)
    assert told.returncode == 0
    for word in ("Demography of registered households", "Why:"):
        assert word in told.stdout
