"""A small synthetic form with one of everything, as the sheets of a workbook."""

import io
from pathlib import Path

import openpyxl

from sdc.forms.sheets import trimmed
from sdc.forms.xlsform import Form, parse_form

SURVEY = """
type|name|label::English (en)|label::Arabic|label::French|required|relevant|constraint|calculate|anonymise
start | start | | | | | | | |
today | today | | | | | | | |
deviceid | deviceid | | | | | | | |
audit | audit | | | | | | | |
begin group | place | The place | المكان | Le lieu | | | | |
select_one adm1 | m0303_meta_adm1_pcode | Region | المحافظة | Région | yes | | | |
select_one adm2 | m0304_meta_adm2_pcode | District | المديرية | District | yes | | | |
text | m0304_meta_adm2_name | Name of the district | | | | | | |
geopoint | m1650_loc_gps_coords | Coordinates | | | | | | |
end group | | | | | | | | |
begin_group | ki | Key informant | | | | | | |
text | ki_name | Name of the key informant | اسم المخبر | Nom | yes | | | |
integer | ki_phone | Phone | هاتف | Téléphone | | | regex(., '^[0-9]{9}$') | |
text | case_ref | Reference | | | | | | | remove
select_one sex | ki_sex | Sex | | Sexe | yes | | | | key
end_group | | | | | | | | |
integer | m0310_loc_num_idp_ind | Number of IDPs | | | yes | | . > 0 and . <= 28000 | |
decimal | share | Share | | | | | .>=0 and .<=1 | |
integer | distance | Distance | | | | | . >= 0 or . = -99 | |
range | rating | Rating | | | | | | |
select_multiple needs or_other | needs | Needs | الاحتياجات | Besoins | | | | |
rank needs | ranked | Ranked | | | | | | |
select_one_from_file sites.csv | site | Site | | | | | | |
select_one absent | unlisted | Unlisted | | | | | | |
select_one reason | reason | Reason | | | yes | ${m0310_loc_num_idp_ind} > 0 | | |
text | reason_other | Which? | | | | selected(${reason}, 'other') | | |
note | thanks | Thank you | شكرا | Merci | yes | | | |
calculate | idps_again | | | | | | | ${m0310_loc_num_idp_ind} |
calculate | total | | | | | | | ${m0310_loc_num_idp_ind} + ${ki_phone} |
begin_repeat | roster | Members | | | | | | |
text | full_name | Full name | الاسم الكامل | Nom complet | yes | | | |
integer | age | Age | العمر | Âge | yes | | .>=0 and .<=120 | |
select_one sex | sex | Sex | الجنس | Sexe | | | | |
image | photo | Photo | | | | | | |
end_repeat | | | | | | | | |
text | remarks | Remarks | | | | | | |
"""

CHOICES = """
list_name | name | label::English (en) | label::Arabic | label::French
adm1 | ZZ01 | North | الشمال | Nord
adm1 | ZZ02 | South | الجنوب | Sud
adm2 | ZZ0101 | Goca | |
adm2 | ZZ0201 | Wofefe | |
sex | f | Female | أنثى | Femme
sex | m | Male | ذكر | Homme
needs | food | Food | طعام | Nourriture
needs | water | Water | ماء | Eau
reason | conflict | Conflict | نزاع | Conflit
reason | other | Other | آخر | Autre
unused | x | X | |
"""

SETTINGS = [["form_title", "form_id", "version "], ["Synthetic assessment", "synthetic", "7"]]


def rows(text: str) -> list[list[str]]:
    """Rows of a table drawn with bars."""
    return trimmed([[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()])


def form(survey: str = SURVEY, choices: str = CHOICES) -> Form:
    """The synthetic form, or a changed one."""
    return parse_form({"survey": rows(survey), "choices": rows(choices), "settings": SETTINGS}, "form.xlsx")


def book(path: Path, sheets: dict[str, list[list[str]]], wide: int = 0) -> Path:
    """A workbook with these sheets; `wide` formats an empty cell in so far a column, as people do by accident."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
        if wide:
            sheet.cell(1, wide).number_format = "0.00"
    content = io.BytesIO()
    made.save(content)
    path.write_bytes(content.getvalue())
    return path
