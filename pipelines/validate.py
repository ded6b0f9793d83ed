"""Stage validate: read the file back, judge it, write what the reviewer reads, then fail if a promise does not hold."""

from datetime import date

from sdc.chain import judged, judged_on, require_followed, require_own
from sdc.files import read_json, read_table, write_json, write_text
from sdc.inputs import arguments, read_brief, read_rounds
from sdc.plan import dropped_because, steps_of
from sdc.report.page import page
from sdc.report.plots import plots
from sdc.stage import run
from sdc.verdict import Case, conclude, judge, metrics, require_pass


def main() -> None:
    at, folders = arguments(
        __doc__, "typed", "plan", "ledger", "table", "expectations", "verdict", "report", "docs", "metrics", "plots"
    )
    brief = read_brief(at.request, folders, date.today())
    # imported here: the library takes seconds, and a refusal need not wait
    from sdc.expectations import require_written, validate

    before, plan, ledger = read_rounds(brief, folders, at.typed), read_json(at.plan), read_json(at.ledger)
    require_own(brief.request.id, plan=plan, ledger=ledger)
    require_followed(plan, ledger)
    require_written(at.expectations, brief.dictionary, brief.policy)
    case = Case(before, read_table(at.table), *brief)
    suite = f"release_{brief.dictionary.component}_{brief.policy.policy}"
    outcomes = validate(case.after, suite, at.expectations, at.docs)
    verdict = judge(case, ledger, dropped_because(steps_of(plan), before))
    on = judged(judged_on(at.plan, at.ledger, at.table, brief, folders))
    verdict = conclude(verdict, outcomes, [suite], on["plan_sha256"]) | on
    write_json(at.verdict, verdict)
    write_json(at.metrics, metrics(verdict, brief.policy))
    write_text(at.plots, plots(verdict))
    write_text(at.report, page(**brief._asdict(), plan=plan, ledger=ledger, verdict=verdict))
    require_pass(verdict, at.report)
    print(f"{brief.request.id}: pass. The reviewer reads {at.report}")


if __name__ == "__main__":
    run(main)
