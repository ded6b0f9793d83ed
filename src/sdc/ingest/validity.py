"""Which variables of a dictionary an extract may hold: confirmed by a person, and asked in its version of the form."""

from collections.abc import Collection, Sequence

from sdc.dictionary import Dictionary, Variable
from sdc.errors import DictionaryError, Fault


def require_confirmed(dictionary: Dictionary, held: Collection[str], where: str) -> None:
    """Refuse a file with columns whose role was proposed and that nobody has confirmed.

    Parameters
    ----------
    dictionary : Dictionary
    held : names of the variables that the file holds
    where : str, name of the file

    Raises
    ------
    DictionaryError : naming the variables, and the command that confirms them.

    Guarantees
    ----------
    * Nothing unconfirmed passes: a variable that the file holds, or one that a held variable follows.
    """
    waiting = {variable.name for variable in dictionary.unconfirmed}
    if not waiting:
        return
    reached = set(held)
    for name in held:
        leader = dictionary.by_name[name].follows if name in dictionary.by_name else None
        while leader is not None:
            reached.add(leader)
            leader = dictionary.by_name[leader].follows
    due = [variable for variable in dictionary.unconfirmed if variable.name in reached]
    if due:
        names = ", ".join(f"`{variable.name}`" for variable in due)
        raise DictionaryError(
            where,
            f"{len(due):,} of its variables are not confirmed: {names}",
            f"Look at what is proposed: sdc dictionary confirm {dictionary.component}\n"
            f"Then confirm each, or another role: sdc dictionary confirm {dictionary.component} {due[0].name} "
            f"--role {due[0].role}",
        )


def as_asked(
    variables: Sequence[Variable], held: Collection[str], version: str, where: str
) -> tuple[tuple[Variable, ...], list[Fault]]:
    """Variables as the form's version asked for them: those that it did not ask for are not required.

    Parameters
    ----------
    variables : sequence of Variable
    held : names of the variables that the file holds
    version : str, of the dictionary at the time of the extract
    where : str, for faults

    Returns
    -------
    variables : tuple of Variable, in the same order
    faults : list of Fault, of variables that the file holds although its form did not ask for them
    """
    faults, asked = [], []
    for variable in variables:
        if variable.asked_in(version):
            asked.append(variable)
            continue
        asked.append(variable.model_copy(update={"required": False}))
        if variable.name in held:
            span = " ".join(
                f"{word} version {bound}"
                for word, bound in (("from", variable.since), ("until", variable.until))
                if bound
            )
            replaced = f" `{variable.replaced_by}` replaced it." if variable.replaced_by else ""
            faults.append(
                Fault(
                    f"{where}, `{variable.name}`",
                    f"is asked {span}, the extract is of version {version}",
                    f"Say `form_version` in the extract if its form was another one.{replaced}",
                )
            )
    return tuple(asked), faults
