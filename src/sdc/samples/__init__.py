"""Synthetic raw extracts, shaped like real ones, defects included: no person, name or place in them exists."""

from pathlib import Path

import numpy as np

from sdc.samples.country import Country
from sdc.samples.export import write_csv, write_workbook
from sdc.samples.mobility import mobility_rounds
from sdc.samples.registration import roster
from sdc.samples.sites import sites
from sdc.samples.survey import interviews

SEED = 20261122


def write_samples(folder: Path, *, seed: int = SEED, scale: float = 1.0) -> list[Path]:
    """Write the raw sample files of all components.

    Two rounds of mobility tracking (with header drift between them), a site assessment as a Kobo workbook, a flow
    monitoring survey with weights, and a registration roster. What is wrong in real files is wrong in them, as far as
    a declared layout and the dictionaries can tell.

    Parameters
    ----------
    folder : Path
    seed : int
    scale : float
        1 gives about 800 locations, 5,000 respondents and 20,000 registered persons. The workbook keeps its 600 sites:
        nobody sends larger ones.

    Returns
    -------
    list of Path, the files written

    Guarantees
    ----------
    * The same seed and scale give the same bytes.
    * The files are readable by their owner only.
    * The arithmetic links of the dictionaries hold but in as many rows as they allow.
    """
    country = Country.drawn(np.random.default_rng([seed, 0]))
    first, second = mobility_rounds(np.random.default_rng([seed, 1]), country, max(20, round(800 * scale)))
    return [
        write_csv(folder / "mobility_tracking_r01.csv", first),
        write_csv(folder / "mobility_tracking_r02.csv", second),
        write_workbook(
            folder / "site_assessment_r01.xlsx",
            sites(np.random.default_rng([seed, 2]), country, 600),
            sheet="MSLA R1 ",
            title="Site assessment, round 1 (synthetic)",
        ),
        write_csv(
            folder / "flow_monitoring_survey_r01.csv",
            interviews(np.random.default_rng([seed, 3]), country, max(20, round(5000 * scale))),
            separator=";",
            encoding="utf-8-sig",
        ),
        write_csv(
            folder / "registration_r01.csv",
            roster(np.random.default_rng([seed, 4]), country, max(10, round(4000 * scale))),
        ),
    ]
