"""Partners for record swapping: alike households in different areas, one after another."""

import numpy as np
from numba import njit


def pair(
    partner: np.ndarray,
    seekers: np.ndarray,
    donors: np.ndarray,
    block: np.ndarray,
    area: np.ndarray,
    wanted: np.ndarray,
) -> None:
    """Give each seeker the first free donor of its block that lies in another area; writes into `partner` and `wanted`.

    Parameters
    ----------
    partner : array of int, (households,)
        Partner of each household, -1 while it is free.
    seekers, donors : array of int
        Households, in the order in which they are served and taken.
    block : array of int, (households,)
        Only households of one block are exchanged; -1 is no block.
    area : array of int, (households,)
    wanted : array of int, (areas,)
        How many households of each area may still be exchanged.
    """
    donors = donors[block[donors] >= 0]
    donors = donors[np.argsort(block[donors], kind="stable")]
    starts = np.searchsorted(block[donors], np.arange(int(block.max(initial=-1)) + 2))
    _pair(partner, seekers, donors, starts, block, area, wanted)


@njit(cache=True)
def _pair(partner, seekers, donors, starts, block, area, wanted):  # pragma: no cover
    head = starts.copy()
    for seeker in seekers:
        own = block[seeker]
        if own < 0 or partner[seeker] >= 0 or wanted[area[seeker]] <= 0:
            continue
        end = starts[own + 1]
        while head[own] < end and partner[donors[head[own]]] >= 0:
            head[own] += 1
        for place in range(head[own], end):
            donor = donors[place]
            if partner[donor] < 0 and area[donor] != area[seeker] and wanted[area[donor]] > 0:
                partner[seeker], partner[donor] = donor, seeker
                wanted[area[seeker]] -= 1
                wanted[area[donor]] -= 1
                break
