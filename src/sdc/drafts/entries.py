"""Entries of a drafted dictionary: what each column is, and what ties it to the others."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from sdc.dictionary import Confidence, Geography, Link, Proposal, Role, Sensitivity, Type, Variable
from sdc.drafts.content import Facts
from sdc.drafts.derived import Derived
from sdc.drafts.families import Family
from sdc.drafts.identities import Identity
from sdc.drafts.opening import Opened
from sdc.drafts.places import level_of_name, listed_columns, pcode_columns
from sdc.drafts.roles import role_of
from sdc.forms.naming import dtm_name, part_of_name
from sdc.forms.proposals import Guess, propose, tokens
from sdc.forms.wordlists import DEMOGRAPHIC
from sdc.ingest.shapes import levelled
from sdc.ingest.typed import PERCENT
from sdc.pcodes import Places

_GROUP = 5  # columns that share what stands before a dot: then it is a group
_PERSONAL = frozenset(
    ["age", "sex", "gender", "sexe", "genre", "edad", "sexo", "birth", "dob", "relationship", "relat", "marital"]
)
_DIVIDES = ("sex", "age", "nationality")
_HOMES = frozenset(["hh", "household", "households", "menage", "hogar", "hoh", "hohh", "hhsize"])


class Entries:
    """Entries of the dictionary, one a column, with what ties them to one another."""

    def __init__(self, file: Opened, own: Mapping[str, Facts], found: list[Family], names: dict[str, str],
                 sums: list[Identity], places: Places | None = None) -> None:  # fmt: skip
        self.file, self.own, self.names = file, own, names
        self.family = {family.parent: family for family in found}
        coded = {name: fact.cells.values for name, fact in own.items() if fact.type == Type.CODE and fact.observed > 0}
        self.pcodes = pcode_columns(coded)
        self.listed = listed_columns(coded, places) if places is not None else {}
        self.pcodes |= self.listed
        self.labelled: Mapping[str, Mapping[str, str]] = {}
        self.groups = Counter(name.partition(".")[0] for name in own if "." in name)
        self.scope = self._scope(sums)
        self.unit = {"loc": "place", "hh": "household", "ind": "person"}[self.scope]
        self.repeats: dict[str, str] = {}
        self.followed: dict[str, tuple[str, str]] = {}

    def _scope(self, sums: list[Identity]) -> str:
        """What a row is about: people, households, or places with people counted in them."""
        told = [tuple(tokens(name)) for name in self.own]
        words = {word for name in told for word in name}
        scopes = [name.scope for name in map(dtm_name, self.own) if name and name.scope in ("loc", "hh", "ind")]
        if scopes:
            return max(sorted(set(scopes)), key=scopes.count)
        counts = [
            name for name, fact in self.own.items()
            if fact.type == Type.INTEGER and propose(name, type=Type.INTEGER, scope="loc").role == Role.COUNT
        ]  # fmt: skip
        if counts and not words & (_PERSONAL - {"age", "sex"}) and not self._person_words():
            return "loc"
        if words & _PERSONAL:
            return "ind"
        if any(len(one.parts) > 2 for one in sums):
            return "loc"  # a total of several counts
        return "hh" if words & _HOMES else "loc" if self.pcodes else "ind"

    def _person_words(self) -> bool:
        """Whether a column of codes or ages tells of one person: `sex`, `age` as columns of their own."""
        return any(
            set(tokens(name)) & _PERSONAL and len(tokens(name)) <= 2 and not re.search(r"\d", name) for name in self.own
        )

    def variables(self, sums: list[Identity], decided: list[Derived]) -> list[Variable]:
        """All entries."""
        guesses = {name: self._guess(name, fact) for name, fact in self.own.items()}
        self._once(guesses, Role.HOUSEHOLD)
        self._once(guesses, Role.WEIGHT)
        self._summed(guesses, sums)
        self._spanning(guesses)
        self._twins(guesses, sums)
        self._leaders(guesses, decided)
        made = [self._variable(name, fact, guesses[name]) for name, fact in self.own.items()]
        for family in self.family.values():
            if not family.text:
                made.append(self._childless(family))
        return made

    def _guess(self, name: str, fact: Facts) -> Guess:
        told = dtm_name(name)
        label = self.file.grid.labels.get(name)
        scope = told.scope if told else self.scope
        if self.file.layout.repeat and name == self.file.layout.repeat[-1].child and len(self.file.layout.repeat) == 1:
            why = "names the parent of each repeat: ties the records of one household"
            return Guess(Role.HOUSEHOLD, why, Confidence.HIGH, Sensitivity.HIGH)
        if self._all_labelled(name, fact):
            fact = replace(fact, type=Type.CODE)
        return role_of(fact, self.bare(name), scope, (label,) if label else (), self.pcodes)

    def bare(self, name: str) -> str:
        """A name without its groups: what stands before a slash, or before a dot that many columns share."""
        name = re.sub(r"\([^()]*\)", " ", name).strip() or name  # `Sex (M/F)` has no group
        name = name.rpartition("/")[2] or name
        first, _, rest = name.partition(".")
        return name.rpartition(".")[2] if rest and self.groups[first] >= _GROUP else name

    def _all_labelled(self, name: str, fact: Facts) -> bool:
        """Whether the file has a label for each of the codes: numbers are then codes."""
        labels = self.file.grid.value_labels.get(name, {})
        return bool(labels) and fact.type in (Type.INTEGER, Type.CODE) and set(fact.cells.values) <= set(labels)

    def _once(self, guesses: dict[str, Guess], role: Role) -> None:
        """A role that one column only can have goes to the likeliest."""
        order = list(Confidence)
        having = sorted(
            (name for name, guess in guesses.items() if guess.role == role),
            key=lambda n: order.index(guesses[n].confidence),
        )
        for name in having[1:]:
            other = Role.IDENTIFIER if role == Role.HOUSEHOLD else Role.OTHER
            why = f"like `{having[0]}`, which has the role `{role}` already"
            guesses[name] = Guess(other, why, Confidence.LOW, guesses[name].sensitivity)

    def _summed(self, guesses: dict[str, Guess], sums: list[Identity]) -> None:
        """Totals and their parts at a place are counts, whatever they are called."""
        for one in sums if self.scope == "loc" else ():
            members = (one.total, *one.parts)
            if len(one.parts) > 1 and not any(self._negative(name) for name in members):
                for name in members:
                    if guesses[name].role == Role.OTHER:
                        why = "the sum of other columns" if name == one.total else f"a part of `{one.total}`"
                        guesses[name] = Guess(Role.COUNT, why, Confidence.MEDIUM, Sensitivity.MODERATE)

    def _spanning(self, guesses: dict[str, Guess]) -> None:
        """Sex, age or nationality in a table with several rows a place divide the people who are counted there."""
        areas = [name for name, guess in guesses.items() if guess.role == Role.KEY and guess.geography is not None]
        if self.scope != "loc" or all(guess.role != Role.COUNT for guess in guesses.values()) or not areas:
            return
        finest = max(areas, key=lambda name: len(self.own[name].cells.values))
        if 2 * len(self.own[finest].cells.values) > self.own[finest].observed:
            return
        for name, guess in guesses.items():
            what = next((DEMOGRAPHIC[word] for word in tokens(self.bare(name)) if word in DEMOGRAPHIC), None)
            if what in _DIVIDES and guess.role == Role.OTHER and self.own[name].type == Type.CODE:
                why = f"{what} of the people who are counted: several rows a place"
                guesses[name] = Guess(Role.KEY, why, Confidence.MEDIUM, Sensitivity.MODERATE)

    def _twins(self, guesses: dict[str, Guess], sums: list[Identity]) -> None:
        """Equal columns: a link where both are counts, else the second follows the first."""
        for identity in sums:
            if len(identity.parts) != 1:
                continue
            first, second = identity.total, identity.parts[0]
            if {guesses[first].role, guesses[second].role} != {Role.COUNT}:
                self._follow(
                    second,
                    first,
                    f"equal to `{first}` in {identity.checked - identity.broken:,} of {identity.checked:,} rows",
                )
                self.repeats[second] = first

    def _leaders(self, guesses: dict[str, Guess], decided: list[Derived]) -> None:
        """Who follows whom: parts of a name, places within places, names beside codes, bands of numbers."""
        for name in self.own:
            whole, part = part_of_name(name)
            if whole is not None and whole in self.own and whole != name:
                self._follow(name, whole, f"the {part} of `{whole}`")
        by_column: dict[str, list[Derived]] = {}
        for one in decided:
            by_column.setdefault(one.column, []).append(one)
        self._name_places(guesses, by_column)
        level = {n: g.geography for n, g in guesses.items() if g.geography not in (None, Geography.POINT)}
        for name in sorted(level, key=lambda n: (n not in self.pcodes, _depth(level[n]))):
            same = [c for c in self.pcodes if c != name and level.get(c) == level[name] and name not in self.pcodes]
            upper = sorted(
                (c for c in level if _depth(level[c]) < _depth(level[name])),
                key=lambda c: (-_depth(level[c]), c not in self.pcodes),
            )
            above = next(
                (
                    c
                    for c in (*same, *upper)
                    if self._one_for_each(name, of=c if c in same else name, value=name if c in same else c)
                ),
                None,
            )
            if above is not None:
                why = f"one name for each code of `{above}`" if above in same else f"each lies in one `{above}`"
                self._follow(name, above, why)
        for name, ones in by_column.items():
            if name in level or self.own[name].type == Type.TEXT:
                continue
            for one in ones:
                leader = self.own[one.of]
                numeric = leader.type in (Type.INTEGER, Type.NUMBER, Type.DATE)
                if (
                    numeric
                    and len(leader.cells.values) >= 3 * len(self.own[name].cells.values)
                    and len(leader.cells.values) > 8
                    and self._alike(name, one.of)
                ):
                    self._follow(name, one.of, f"each value of `{one.of}` has one of it: a band or a rounding")
                    break
        for name, guess in guesses.items():
            if guess.geography == Geography.POINT and guess.role == Role.OTHER and name not in self.followed:
                places = [p for p, g in level.items() if p in self.pcodes or guesses[p].role == Role.KEY]
                if places:
                    self._follow(name, max(places, key=lambda p: _depth(level[p])), "lies in the place")

    def _name_places(self, guesses: dict[str, Guess], by_column: Mapping[str, list[Derived]]) -> None:
        """A column with one name for each p-code names the places, whatever it is called."""
        for name, ones in by_column.items():
            told = level_of_name(self.bare(name))
            codes = [one.of for one in ones if one.both and one.of in self.pcodes]
            code = next((code for code in codes if told in (None, self.pcodes[code][0])), None)
            free = guesses[name].role in (Role.OTHER, Role.KEY, Role.IDENTIFIER) and self.own[name].type == Type.CODE
            if code is not None and name not in self.pcodes and free:
                of = guesses[code]
                guesses[name] = Guess(
                    Role.KEY, f"names the places of `{code}`", Confidence.HIGH, of.sensitivity, of.geography
                )

    def _one_for_each(self, name: str, *, of: str, value: str) -> bool:
        """Whether each code of one column has a single value of another, in more than one record of theirs."""
        codes, values = self.own[of].cells.of_record, self.own[value].cells.of_record
        both = (codes >= 0) & (values >= 0)
        if 2 * both.sum() < (self.own[name].cells.of_record >= 0).sum() or not both.any():
            return False
        pairs = np.unique(np.column_stack([codes[both], values[both]]), axis=0)
        return len(pairs) == len(np.unique(codes[both]))

    def _alike(self, name: str, leader: str) -> bool:
        """Whether names share a word, or numbers are close: decided by chance it would be neither."""
        if set(tokens(name)) & set(tokens(leader)):
            return True
        one, other = self.own[name], self.own[leader]
        if Type.NUMBER not in (one.type, other.type) or not {one.type, other.type} <= {Type.NUMBER, Type.INTEGER}:
            return False
        left, right = (numbers_of(f, (self.file.layout.thousands, self.file.layout.decimal)) for f in (one, other))
        both = ~np.isnan(left) & ~np.isnan(right)
        return bool(both.any() and np.abs(left[both] - right[both]).max() <= 0.51)

    def _follow(self, name: str, leader: str, why: str) -> None:
        """Note a leader, unless that closes a circle or there is one already."""
        walk = leader
        while walk in self.followed:
            walk = self.followed[walk][0]
        if walk != name and leader != name and name not in self.followed:
            self.followed[name] = (leader, why)

    def _variable(self, name: str, fact: Facts, guess: Guess) -> Variable:
        """One entry, unconfirmed."""
        labels = self.file.grid.value_labels.get(name, {})
        own_labels = self.file.grid.labels.get(name)
        family = self.family.get(name)
        told = dtm_name(name)
        kind, listed, separator = fact.type, fact.listed, fact.separator
        if family is not None:
            kind, separator, listed = Type.CODES, fact.separator, tuple(self.labelled.get(name, family.children))
            labels = self.labelled.get(name, {})
        elif self._all_labelled(name, fact):
            kind, listed = Type.CODE, tuple(labels)
        role = guess.role
        if role == Role.COUNT and (kind != Type.INTEGER or self._negative(name)):
            role = Role.OTHER
        if role == Role.WEIGHT and self._negative(name):
            role = Role.OTHER
        listed = () if role in (Role.IDENTIFIER, Role.HOUSEHOLD) else listed
        coded = kind in (Type.CODE, Type.CODES)
        whys = [guess.because, *([self.followed[name][1]] if name in self.followed else [])]
        leader = self.followed.get(name, (None, ""))[0]
        variable = self.names[name]
        return Variable(
            name=variable,
            id=told.id if told else None,
            aliases=() if variable == name else (name,),
            label={"en": own_labels} if own_labels else {},
            confirmed=False,
            proposed=Proposal(role=role, because="; ".join(whys), confidence=guess.confidence),
            type=kind,
            role=role,
            scope=told.scope if told else self.scope,  # type: ignore[arg-type]
            codes={code: ({"en": labels[code]} if labels.get(code) else {}) for code in listed} if coded else {},
            open_codes=coded and (not listed or family is not None),
            separator=separator,
            geography=guess.geography if role in (Role.KEY, Role.OTHER, Role.IDENTIFIER) else None,
            follows=self.names[leader] if leader else None,
            sensitivity=guess.sensitivity,
            unit=fact.unit,
            formats=fact.formats,
        )

    def _negative(self, name: str) -> bool:
        return bool(self.own[name].cells.values.str.startswith("-").any())

    def _childless(self, family: Family) -> Variable:
        """A select_multiple of which the file holds the 0/1 columns only: their names are its codes."""
        parent = family.parent.rpartition("/")[2] or family.parent
        guess = propose(parent, type=Type.CODES, scope=self.scope)
        role = guess.role if guess.role in (Role.SENSITIVE, Role.KEY) else Role.OTHER
        name = self.names[family.parent]
        why = f"{guess.because}; {len(family.children):,} columns of 0 and 1 without their text"
        return Variable(
            name=name, aliases=() if name == family.parent else (family.parent,), confirmed=False,
            proposed=Proposal(role=role, because=why, confidence=guess.confidence), type=Type.CODES, role=role,
            scope=self.scope, codes={code: {} for code in family.children}, sensitivity=guess.sensitivity,  # type: ignore[arg-type]
        )  # fmt: skip

    def links(self, variables: list[Variable], sums: list[Identity]) -> list[Link]:
        """Identities whose members are all counts."""
        counts = {variable.name for variable in variables if variable.role == Role.COUNT}
        links = []
        for identity in sums:
            total, parts = self.names[identity.total], tuple(self.names[part] for part in identity.parts)
            if {total, *parts} <= counts:
                links.append(Link(total=total, parts=parts, broken_rows_allowed=identity.broken))
        return links


def _depth(geography: Geography | None) -> int:
    return geography.depth if geography else -1


def numbers_of(fact: Facts, signs: tuple[str, str]) -> np.ndarray:
    """A column of numbers as floats; missing is nan."""
    texts = pd.Series(levelled(fact.cells.values).to_pylist(), dtype=object).str.replace(PERCENT, "", regex=True)
    texts = texts.str.replace(signs[0], "", regex=False) if signs[0] else texts
    numbers = texts.str.replace(signs[1], ".", regex=False).astype(float).to_numpy()
    return np.append(numbers, np.nan)[fact.cells.of_record]
