"""Stage release: the candidate package; `sdc publish` moves it to the store."""

from datetime import date

from sdc.chain import require_judged, require_own
from sdc.files import read_json, read_table
from sdc.inputs import arguments, extracts_of, read_brief, read_params
from sdc.release.package import build, package_name
from sdc.release.provenance import provenance
from sdc.stage import run
from sdc.verdict import require_pass


def main() -> None:
    at, folders = arguments(__doc__, "typed", "plan", "ledger", "table", "verdict", "key", "candidate")
    brief = read_brief(at.request, folders, date.today())
    verdict = read_json(at.verdict)
    require_pass(verdict, at.verdict)
    require_own(brief.request.id, verdict=verdict)
    require_judged(verdict, at.plan, at.table)
    inputs = {name: at.typed / f"{name}.parquet" for name, _ in extracts_of(brief, read_params(folders.params))}
    origin = provenance(brief, folders, at.plan, inputs, at.key)
    package = at.candidate / package_name(brief.request)
    documents = {"plan": read_json(at.plan), "ledger": read_json(at.ledger), "verdict": verdict}
    build(package, table=read_table(at.table), **brief._asdict(), **documents, provenance=origin)
    print(f"{brief.request.id}: candidate {package}")


if __name__ == "__main__":
    run(main)
