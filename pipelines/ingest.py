"""Stage `ingest`: a raw extract to a typed table."""

import argparse
from pathlib import Path

from sdc.dictionary import read_dictionary
from sdc.files import write_table
from sdc.ingest import ingest, read_extract
from sdc.stage import progress_bar, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extract", required=True, help="an entry of `extracts` in the params file")
    for name in ("params", "raw", "dictionary", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    args = parser.parse_args()
    extract, dictionary = read_extract(args.params, args.extract), read_dictionary(args.dictionary)
    with progress_bar(f"reading {args.extract}") as progress:
        table, summary = ingest(args.raw, extract, dictionary, progress)
    write_table(table, args.out)
    removed = summary["columns_removed"]
    ended = len(removed["identifier"]) + len(removed["follows_identifier"])
    print(
        f"{args.extract}: {summary['records']:,} records; {summary['columns']:,} columns read, {ended:,} ended with "
        f"identifiers, {removed['choice_columns']:,} choice columns folded, {summary['variables']:,} variables kept"
    )


if __name__ == "__main__":
    run(main)
