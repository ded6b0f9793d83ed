"""Who does the heavy work of protection: a plain dict from an engine's name to its module.

An engine is a module with a few functions of the same signatures: ``frequencies``, ``individual_risk`` and
``suppress_locally``. The verdict never comes from here: whoever protects does not judge.
"""

from importlib import import_module
from types import ModuleType

from sdc.errors import EngineError

ENGINES = {"native": "sdc.engines.native", "sdcmicro": "sdc.engines.sdcmicro"}


def engine(name: str) -> ModuleType:
    """Import the module that does the work.

    Parameters
    ----------
    name : str
        A key of ``ENGINES``.

    Raises
    ------
    EngineError : when there is no engine of that name.
    """
    if name not in ENGINES:
        raise EngineError("engine", "there is no engine of this name.", f"Choose one of {', '.join(ENGINES)}.")
    return import_module(ENGINES[name])
