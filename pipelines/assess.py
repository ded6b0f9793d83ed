"""Stage assess: risk as collected, and the plan that a person can read before it runs."""

from datetime import date

from sdc.files import write_json, write_text
from sdc.inputs import arguments, read_brief, read_rounds, read_served
from sdc.master import compile_for
from sdc.plan import plan_document
from sdc.report.explain import plan_in_words
from sdc.stage import run
from sdc.verdict import risk_of


def main() -> None:
    at, folders = arguments(__doc__, "typed", "plan", "words", "risk")
    brief = read_brief(at.request, folders, date.today())
    table = read_rounds(brief, folders, at.typed)
    plan = plan_document(compile_for(table, brief, read_served(brief, folders)), brief)
    words = plan_in_words(plan, brief)
    write_json(at.risk, risk_of(table, brief.policy))
    write_json(at.plan, plan)
    write_text(at.words, words)
    print(words)


if __name__ == "__main__":
    run(main)
