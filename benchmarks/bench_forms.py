"""CPU seconds to import, write, read, export and merge a large form: 5,000 questions, 500 lists of 40 codes."""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from sdc.dictionary import parse_dictionary
from sdc.forms import draft, merge, read_form, xlsform_workbook, yaml_text
from sdc.forms.xlsform import parse_form


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=5_000)
    parser.add_argument("--lists", type=int, default=500)
    args = parser.parse_args()
    survey = [["type", "name", "label::English (en)", "label::French (fr)"]]
    survey += [
        [f"select_one l{n % args.lists}", f"q{n}", f"Question {n}", f"Question {n} ?"] for n in range(args.questions)
    ]
    choices = [["list_name", "name", "label::English (en)"]]
    choices += [[f"l{n}", f"c{code}", f"Code {code}"] for n in range(args.lists) for code in range(40)]
    told = {}

    def timed(name, call):
        start = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        result = call()
        told[name] = round(time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - start, 2)
        return result

    form = timed("parse", lambda: parse_form({"survey": survey, "choices": choices}, "large"))
    found = timed("draft", lambda: draft(form, "large"))
    text = timed("write_yaml", lambda: yaml_text(found))
    assert timed("read_yaml", lambda: parse_dictionary(text, "large")) == found
    content = timed("write_xlsform", lambda: xlsform_workbook(found))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.xlsx")
        path.write_bytes(content)
        assert draft(timed("read_xlsform", lambda: read_form(path)), "large") == found
    assert timed("merge_into_itself", lambda: merge(found, found))[0] == found
    print(json.dumps({"questions": args.questions, "codes": args.lists * 40, "cpu_seconds": told}))


if __name__ == "__main__":
    main()
