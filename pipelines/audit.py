"""Stage audit: the release held against every earlier one; it stops where joined they give away what is hidden."""

import time
from datetime import date

from sdc import audit
from sdc.files import read_json, read_table, write_json, write_text
from sdc.inputs import arguments, exceptions_of, read_brief, read_rounds, registered_releases
from sdc.release.catalogue import read_catalogue
from sdc.report.audit import audit_page
from sdc.stage import run
from sdc.verdict import require_pass

SECONDS = 3600  # an audit that does not end by then fails


def main() -> None:
    at, folders = arguments(__doc__, "typed", "table", "verdict", "known", "exceptions", "store", "audit")
    brief, today, end = read_brief(at.request, folders, date.today()), date.today(), time.monotonic() + SECONDS
    require_pass(read_json(at.verdict), at.verdict)
    released = [*read_catalogue(at.store), *registered_releases(folders)]
    audit.require_all_known(at.known.parent, released, brief.dictionary.component)
    before = read_rounds(brief, folders, at.typed)
    facts = audit.candidate_facts(before, read_table(at.table), brief)
    known = audit.read_facts(at.known.parent, audit.population_of(brief))
    exceptions = exceptions_of(at.exceptions, brief.request.id, folders)
    clock = audit.Clock(lambda: time.monotonic() > end)
    found, exposed = audit.audit_release(facts, known, before, exceptions=exceptions, today=today, clock=clock)
    write_json(at.audit / "audit.json", found | audit.bound(at.table, at.known))
    write_text(at.audit / "report.html", audit_page(found, title=brief.request.title, dictionary=brief.dictionary))
    write_text(at.audit / "exposed.csv", exposed.to_csv(index=False))
    audit.write_prepared(facts, at.audit / "facts")
    audit.require_audit_pass(found)
    print(f"{brief.request.id}: pass; earlier releases known: {len(known)}")


if __name__ == "__main__":
    run(main)
