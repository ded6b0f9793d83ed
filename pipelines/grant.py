"""Stage grant: what the register grants a request, for DVC to watch; refused where that is not what its file asks."""

from datetime import date

from sdc.files import write_json
from sdc.inputs import arguments, read_brief, read_grant
from sdc.params import read_params, require_component
from sdc.register.obey import grant_document
from sdc.stage import run


def main() -> None:
    at, folders = arguments(__doc__, "grant")
    brief = read_brief(at.request, folders, date.today())
    require_component(read_params(folders.params), folders.params, brief.request.component)
    write_json(at.grant, grant_document(read_grant(brief.request, brief.policy, folders, date.today())))
    print(f"{brief.request.id}: granted")


if __name__ == "__main__":
    run(main)
