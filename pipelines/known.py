"""Stage known: the index of the facts store, empty where nothing was released; what stands there stays."""

import argparse
from pathlib import Path

from sdc.audit import make_index
from sdc.stage import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", required=True, type=Path, help="folder of the component in the facts store")
    make_index(parser.parse_args().facts)


if __name__ == "__main__":
    run(main)
