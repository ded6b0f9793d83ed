"""From the forms that missions collect with to a dictionary that people confirm, and back to a form."""

from sdc.forms.confirm import confirm
from sdc.forms.differences import Change, differences
from sdc.forms.draft import draft, draft_from_names
from sdc.forms.export import xlsform_workbook
from sdc.forms.merge import merge
from sdc.forms.xlsform import Form, read_form
from sdc.forms.yamltext import rewritten, yaml_text

__all__ = [
    "Change",
    "Form",
    "confirm",
    "differences",
    "draft",
    "draft_from_names",
    "merge",
    "read_form",
    "rewritten",
    "xlsform_workbook",
    "yaml_text",
]
