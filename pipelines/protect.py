"""Stage protect: apply the plan, and observe what it did."""

from datetime import date

from sdc.chain import require_own
from sdc.files import read_json, write_json, write_table
from sdc.inputs import arguments, read_brief, read_rounds
from sdc.plan import apply, steps_of
from sdc.release.provenance import read_secret
from sdc.stage import run


def main() -> None:
    at, folders = arguments(__doc__, "typed", "plan", "key", "table", "ledger")
    brief = read_brief(at.request, folders, date.today())
    plan = read_json(at.plan)
    require_own(brief.request.id, plan=plan)
    steps = steps_of(plan)
    table, entries = apply(steps, read_rounds(brief, folders, at.typed), read_secret(at.key))
    write_table(table, at.table)
    write_json(at.ledger, {"request": brief.request.id, "entries": entries})
    print(f"{brief.request.id}: {len(steps)} steps, {len(table):,} records, {len(table.variables)} columns")


if __name__ == "__main__":
    run(main)
