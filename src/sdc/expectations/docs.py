"""Data Docs that need no network: the pages Great Expectations' site builder asks for, from a template of ours.

The library's own pages load sixteen files from elsewhere, carry ids and the time of the run, and are blank without a
network. Its site builder takes other renderers and views by name (`great_expectations.yml`), and these are they.
"""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from sdc.expectations.promises import promise
from sdc.pages import render

ON_BREACH = {"critical": "Stops the release", "warning": "Warns", "info": "Is reported"}
WHOLE_TABLE = "The whole table"


class ResultsPage:
    """One run of a suite: each promise, whether it holds, what was counted."""

    def render(self, results: Any) -> dict:
        """Plain values of the page, from validation results; of a result only its truth and our own counts are read."""
        entries = [
            _entry(result.expectation_config, bool(result.success), (result.result or {}).get("details", {}))
            for result in results.results
        ]
        return {
            "kind": "results",
            "title": results.suite_name,
            "home": "../../../../index.html",
            "groups": _grouped(entries),
            "broken": [entry for entry in entries if not entry["holds"]],
            "evaluated": len(entries),
        }


class SuitePage:
    """One suite: each promise, why it is asked for, the code lists behind it."""

    def render(self, suite: Any) -> dict:
        """Plain values of the page, from a suite."""
        entries = [_entry(expectation.configuration, None, {}) for expectation in suite.expectations]
        return {
            "kind": "suite",
            "title": suite.name,
            "home": "../index.html",
            "groups": _grouped(entries),
            "broken": [],
            "evaluated": len(entries),
        }


class IndexPage:
    """All runs and suites of the site."""

    def render(self, links: Mapping[str, Any]) -> dict:
        """Plain values of the page, from the site builder's links."""
        runs = [
            {"name": link["expectation_suite_name"], "path": link["filepath"], "holds": link["validation_success"]}
            for link in links.get("validations_links", [])
        ]
        listed = [
            {"name": link["expectation_suite_name"], "path": link["filepath"]}
            for link in links.get("expectations_links", [])
        ]
        return {
            "kind": "index",
            "title": "Data Docs",
            "runs": sorted(runs, key=itemgetter("name")),
            "suites": sorted(listed, key=itemgetter("name")),
        }


class LocalView:
    """A page as one HTML file that loads nothing."""

    def render(self, document: Mapping[str, Any], **_: Any) -> str:
        """HTML of a page; what the site builder passes besides (ids, buttons) is left out."""
        return render("expectations/docs.html", **document)


def _entry(configuration: Any, holds: bool | None, counts: Mapping[str, int | float]) -> dict:
    kwargs = configuration.kwargs
    levels = kwargs.get("levels", {})
    attributes = (configuration.meta or {}).get("attributes", {})
    return {
        "column": kwargs.get("column") or kwargs.get("total") or WHOLE_TABLE,
        "kind": configuration.type,
        "promise": configuration.description or promise(configuration.type, kwargs),
        "on_breach": ON_BREACH[str(getattr(configuration.severity, "value", configuration.severity))],
        "because": attributes.get("because", ""),
        "holds": holds,
        "counts": {name.replace("_", " "): f"{count:,}" for name, count in _shown(counts)},
        "levels": {name: sorted(codes) for name, codes in levels.items()},
    }


def _shown(counts: Mapping[str, int | float]) -> list[tuple[str, int | float]]:
    """Breaches first; beside a figure that is held against a limit they say nothing."""
    rest = [(name, count) for name, count in sorted(counts.items()) if name != "breaches"]
    return rest if "observed" in counts else [*((n, c) for n, c in counts.items() if n == "breaches"), *rest]


def _grouped(entries: Iterable[dict]) -> list[tuple[str, list[dict]]]:
    groups: dict[str, list[dict]] = {WHOLE_TABLE: []}
    for entry in entries:
        groups.setdefault(entry["column"], []).append(entry)
    return [(name, found) for name, found in groups.items() if found]
