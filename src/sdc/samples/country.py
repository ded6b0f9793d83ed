"""A country that does not exist: its areas, places and p-codes."""

from dataclasses import dataclass

import numpy as np

from sdc.samples.draws import Columns, Words

CODE = "ZZZ"
_SYLLABLES = (
    "ba", "ca", "da", "fe", "go", "ha", "ji", "ko", "la", "mu", "na", "pe", "ro", "sa", "ti", "va", "wo", "zu",
    "bel", "tal",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Country:
    """Admin areas, one entry an admin 3 area; `weight` is its share of the people."""

    admin1: Words
    admin1_name: Words
    admin2: Words
    admin2_name: Words
    admin3: Words
    latitude: np.ndarray
    longitude: np.ndarray
    weight: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Country":
        """Eight admin 1 areas, each with four to eight districts of three to six areas."""
        rows = []
        for first in range(1, 9):
            names = place_names(rng, 9)
            for second in range(1, rng.integers(5, 10)):
                middle = rng.uniform(-0.6, 0.6, 2) + np.array((10 + first % 3 * 1.5, 20 + first // 3 * 1.5))
                code = f"ZZ{first:02d}{second:02d}"
                for third in range(1, rng.integers(4, 8)):
                    point = middle + rng.uniform(-0.2, 0.2, 2)
                    share = rng.lognormal(0, 0.9)
                    rows.append((code[:4], names[0], code, names[second], f"{code}{third:02d}", *point, share))
        a1, name1, a2, name2, a3, *numbers = (np.array(part) for part in zip(*rows, strict=True))
        one, one_name, two, two_name, three = (part.astype(object) for part in (a1, name1, a2, name2, a3))
        latitude, longitude, shares = numbers
        return cls(one, one_name, two, two_name, three, latitude, longitude, shares / shares.sum())

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Positions of n admin 3 areas, by their shares."""
        return rng.choice(len(self.admin3), n, p=self.weight)

    def places(self, area: np.ndarray, *, names: bool = True) -> Columns:
        """P-codes (and names) of the areas at positions `area`, under the names of the dictionaries."""
        columns: Columns = {
            "m0302_meta_adm0_pcode": np.full(len(area), CODE, dtype=object),
            "m0303_meta_adm1_pcode": self.admin1[area],
            "m0303_meta_adm1_name": self.admin1_name[area],
            "m0304_meta_adm2_pcode": self.admin2[area],
            "m0304_meta_adm2_name": self.admin2_name[area],
            "m0305_meta_adm3_pcode": self.admin3[area],
        }
        return columns if names else {name: codes for name, codes in columns.items() if name.endswith("_pcode")}


def place_names(rng: np.random.Generator, n: int) -> Words:
    """Names of places, some of them borne by more than one."""
    parts = np.array(_SYLLABLES, dtype=object)
    names = parts[rng.integers(0, len(parts), n)] + parts[rng.integers(0, len(parts), n)]
    third = np.where(rng.random(n) < 0.7, parts[rng.integers(0, len(parts), n)], "")
    suffix = np.where(rng.random(n) < 0.12, np.array([" 1", " 2", " Centre"], object)[rng.integers(0, 3, n)], "")
    return np.array([name.capitalize() for name in names + third], dtype=object) + suffix
