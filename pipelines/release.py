"""Stage release: the candidate package; `sdc publish` moves it to the store."""

from datetime import date

from sdc.audit import require_audited
from sdc.chain import judged_on, require_judged, require_own
from sdc.files import read_json, read_table
from sdc.inputs import arguments, extracts_of, read_brief
from sdc.params import read_params
from sdc.release.package import build_next
from sdc.release.provenance import provenance, read_secret
from sdc.release.signers import naming
from sdc.stage import run
from sdc.verdict import require_pass


def main() -> None:
    at, folders = arguments(
        __doc__, "typed", "plan", "ledger", "table", "verdict", "audit", "known", "key", "signers", "store", "candidate"
    )
    brief = read_brief(at.request, folders, date.today())
    verdict = read_json(at.verdict)
    require_pass(verdict, at.verdict)
    require_own(brief.request.id, verdict=verdict)
    require_judged(verdict, judged_on(at.plan, at.ledger, at.table, brief, folders))
    require_audited(read_json(at.audit), brief.request.id, at.table, at.known)
    inputs = {name: at.typed / f"{name}.parquet" for name, _ in extracts_of(brief, read_params(folders.params))}
    origin = provenance(brief, folders, at.plan, inputs, at.key)
    documents = {"plan": read_json(at.plan), "ledger": read_json(at.ledger), "verdict": verdict}
    issue = {"secret": read_secret(at.key), "signing": naming(at.signers), "store": at.store, "audited": True}
    package = build_next(
        at.candidate, table=read_table(at.table), **brief._asdict(), **documents, **issue, provenance=origin
    )
    print(f"{brief.request.id}: candidate {package}")


if __name__ == "__main__":
    run(main)
