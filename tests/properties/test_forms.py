"""Guarantees of merge, of the text and of the form, on dictionaries that nobody thought of."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sdc.dictionary import Dictionary, Type, parse_dictionary
from sdc.forms import differences, draft, merge, yaml_text
from sdc.forms.export import xlsform_sheets
from sdc.forms.merge import bumped
from sdc.forms.sheets import trimmed
from sdc.forms.xlsform import parse_form

NAMES = st.sampled_from([*"abcdefgh", "age", "sex", "phone", "m0310_loc_num_idp_ind", "needs_other", "no", "1.5e10"])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=12).filter(
    lambda t: t.strip()
)
LABELS = st.dictionaries(st.sampled_from(["en", "fr", "ar", "so"]), TEXTS, max_size=3)
CODES = st.sampled_from(["yes", "no", "on", "null", "1", "01", "1.5e10", "other", "dnk", "-", "~", "#", "a b", "e_1"])
LISTS = st.dictionaries(CODES, LABELS, min_size=1, max_size=5)


@st.composite
def dictionaries(draw):
    lists = {name: draw(LISTS) for name in ("l1", "l2")}
    variables = []
    for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=6)):
        kind = draw(st.sampled_from(list(Type)))
        entry = {"name": name, "type": kind, "role": draw(st.sampled_from(["key", "sensitive", "other", "identifier"]))}
        entry |= {
            "label": draw(LABELS),
            "confirmed": draw(st.booleans()),
            "sensitivity": draw(st.sampled_from(["low", "high"])),
        }
        if kind in (Type.CODE, Type.CODES):
            named = draw(st.sampled_from([None, "l1", "l2"]))
            entry |= {"codes": lists[named], "list_name": named} if named else {"codes": draw(LISTS)}
        if draw(st.booleans()):
            entry |= {"relevant": draw(TEXTS), "required": draw(st.booleans()), "notes": (draw(TEXTS),)}
        variables.append(entry)
    content = {"component": "c", "version": "1.0.0", "title": {"en": "T"}, "unit": "row", "variables": variables}
    return Dictionary.model_validate(content)


@given(dictionaries(), dictionaries())
@settings(max_examples=150, deadline=None)
def test_merging_loses_nothing_of_the_old_and_leaves_nothing_of_the_new_out(old, new):
    """Every variable, code, label and fact of `old` is in the result, unchanged; everything of `new` is there."""
    merged, kept = merge(old, new, conflicts="note")
    for before, after in zip(old.variables, merged.variables, strict=False):
        assert (after.name, after.type, after.role, after.confirmed) == (
            before.name,
            before.type,
            before.role,
            before.confirmed,
        )
        assert before.label.items() <= after.label.items()
        assert list(after.codes)[: len(before.codes)] == list(before.codes)
        assert all(labels.items() <= after.codes[code].items() for code, labels in before.codes.items())
        assert before.relevant is None or after.relevant == before.relevant
        assert after.notes[: len(before.notes)] == before.notes
    for theirs in new.variables:
        mine = merged.by_name[theirs.name]
        conflict = any(what.startswith(f"`{theirs.name}`") for what in kept)
        assert set(theirs.codes) <= set(mine.codes) or conflict
        assert set(theirs.label) <= set(mine.label)
        assert theirs.name in old.by_name or (mine.since == bumped(old.version) and mine.role == theirs.role)


@given(dictionaries(), dictionaries())
@settings(max_examples=100, deadline=None)
def test_merging_into_itself_changes_nothing_and_merging_twice_is_merging_once(old, new):
    """A dictionary merged into itself does not change; merging twice is merging once."""
    assert merge(old, old) == (old, ())
    once, _ = merge(old, new, conflicts="note")
    twice, _ = merge(once, new, conflicts="note")
    assert twice == once
    assert (differences(old, once) == ()) == (once == old)


@given(dictionaries())
@settings(max_examples=150, deadline=None)
def test_the_text_of_a_dictionary_is_the_dictionary(dictionary):
    """`parse_dictionary` of the text gives the dictionary back; the same dictionary gives the same text."""
    text = yaml_text(dictionary)
    assert parse_dictionary(text, "again") == dictionary
    assert yaml_text(parse_dictionary(text, "again")) == text


@given(dictionaries())
@settings(max_examples=150, deadline=None)
def test_the_form_of_a_dictionary_gives_the_dictionary_back(dictionary):
    """`draft` of the form in these sheets gives the dictionary back, entry for entry."""
    sheets = {name: trimmed(lines) for name, lines in xlsform_sheets(dictionary).items()}
    assert draft(parse_form(sheets, "again"), "ignored") == dictionary
