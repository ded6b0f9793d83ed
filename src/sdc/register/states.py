"""What a request can be, who may do what to it, and how soon it is due: the tables that the database is seeded with."""

from types import MappingProxyType

OPEN = ("received", "appraisal", "needs_info", "consultation", "approved", "preparing", "review", "shared", "follow_up")
ENDS = ("referred", "rejected", "withdrawn", "lapsed", "revoked")
HOW = MappingProxyType(dict(zip(ENDS, ("refer", "reject", "withdraw", "lapse", "revoke"), strict=True)))
"""How a request ends, and the verb that ends it so."""
STATES = (*OPEN, "closed", *ENDS)
GRANTED = ("approved", "preparing", "review", "shared", "follow_up")
"""In these states something may be built or sent."""
DECIDING = ("received", "appraisal", "needs_info", "consultation")

QUESTIONS = MappingProxyType(
    {
        "projects": "Is the purpose lawful, for people's benefit, and one that needs this data?",
        "people": "Is the requester identified, able and bound to keep the data safe?",
        "data": "Is the data asked for the least that serves the purpose?",
        "settings": "Is the place where it will be kept and used safe enough for this tier?",
        "outputs": "Will what is published with it disclose nobody, and come back to us?",
    }
)
ANSWERS = ("yes", "conditional", "no")
"""An approval needs five answers, none of them `no`."""

CATEGORIES = ("microdata", "table", "map", "report", "other")
LEVELS = ("critical", "high", "normal", "low")
"""Of urgency and of importance."""
DATA_LEVELS = ("individual", "household", "site", "aggregate")
ONWARD = ("none", "with_consent", "free")
ORGANISATIONS = ("un", "ngo", "government", "donor", "academia", "red_cross_red_crescent", "private", "public")
USES = ("report", "article", "dashboard", "map", "dataset", "programme", "none", "other")
OBLIGATIONS = ("deletion", "report_back", "other")
CHANNELS = ("portal", "encrypted_mail", "secure_transfer", "in_person", "public_site")
MARKS = ("superseded", "withdrawn", "expired", "deletion_confirmed", "destroyed")
WITHDRAWALS = ("disclosure_risk", "data_error", "legal", "recipient_breach", "other")
TIERS = ("public", "restricted", "internal")
"""From the strictest protection to the weakest: what is made for everybody is protected most."""

ROLES = ("officer", "appraiser", "approver", "preparer", "reviewer", "manager", "auditor")

_GOING = tuple(state for state in OPEN if state not in ("shared", "follow_up"))
MOVES: MappingProxyType[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "receive": (("", "received"),),
        "appraise": (("received", "appraisal"), ("appraisal", "appraisal"), ("consultation", "consultation")),
        "ask": (("appraisal", "needs_info"), ("consultation", "needs_info")),
        "consult": (("appraisal", "consultation"),),
        "answer": (
            ("needs_info", "appraisal"),
            ("needs_info", "consultation"),
            ("consultation", "appraisal"),
        ),
        "approve": (
            ("appraisal", "approved"),
            ("consultation", "approved"),
            *((state, state) for state in ("approved", "preparing", "follow_up")),
        ),
        "extend": tuple((state, state) for state in GRANTED),
        "prepare": (
            ("approved", "preparing"),
            ("preparing", "preparing"),
            ("review", "preparing"),
            ("follow_up", "preparing"),
        ),
        "submit": (("preparing", "review"),),
        "review": (("review", "review"), ("review", "preparing")),
        "publish": (("review", "review"),),
        "share": (("review", "shared"), ("shared", "shared")),
        "follow_up": (("shared", "follow_up"),),
        "use": tuple((state, state) for state in ("shared", "follow_up", "closed")),
        "obligation": tuple((state, state) for state in (*GRANTED, "closed", "revoked")),
        "close": (("follow_up", "closed"),),
        "reopen": (("closed", "appraisal"),),
        "refer": tuple((state, "referred") for state in DECIDING),
        "reject": tuple((state, "rejected") for state in DECIDING),
        "withdraw": tuple((state, "withdrawn") for state in _GOING),
        "lapse": tuple((state, "lapsed") for state in _GOING),
        "revoke": tuple((state, "revoked") for state in GRANTED),
    }
)
"""Verb to the pairs of states it may lead from and to; an empty state is none."""

ROAD: MappingProxyType[str, str] = MappingProxyType(
    {
        "received": "`sdc request appraise REQ`",
        "appraisal": "answer the five questions with `sdc request appraise REQ`, then `sdc request approve REQ`",
        "needs_info": "`sdc request answer REQ --note TEXT`",
        "consultation": "`sdc request answer REQ --note TEXT`",
        "approved": "`sdc request prepare REQ`",
        "preparing": "`dvc repro release@REQ`, then `sdc request submit REQ`",
        "review": "two others read data/verdicts/REQ/report.html and `sdc request review REQ approve --manifest "
        "SHA256`, then `sdc publish REQ` and `sdc request share REQ`",
        "shared": "`sdc request follow-up REQ`; a new version is prepared after that",
        "follow_up": "`sdc request use REQ`, then `sdc request close REQ`; for a new version `sdc request prepare REQ`",
    }
)
"""What comes next where nothing is in the way."""

TRANSITIONS = tuple(
    sorted({(a, b) for pairs in MOVES.values() for a, b in pairs if a and a != b} | {("received", "appraisal")})
)

PERMISSIONS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "receive": ("officer",),
        "appraise": ("appraiser",),
        "ask": ("officer", "appraiser"),
        "consult": ("officer", "appraiser"),
        "answer": ("officer", "appraiser"),
        "approve": ("approver",),
        "extend": ("approver",),
        "prepare": ("preparer",),
        "submit": ("preparer",),
        "review": ("reviewer",),
        "publish": ("officer", "preparer"),
        "share": ("officer",),
        "follow_up": ("officer",),
        "use": ("officer",),
        "obligation": ("officer",),
        "close": ("officer",),
        "reopen": ("officer", "manager"),
        "refer": ("officer", "appraiser"),
        "reject": ("approver",),
        "withdraw": ("officer",),
        "lapse": ("officer",),
        "revoke": ("approver", "manager"),
        "mark": ("officer", "manager"),
        "import": ("manager",),
        "actor": ("manager",),
    }
)
"""Verb to the roles that may do it. An auditor reads, verifies and exports, which needs no permission to write."""

DUE = MappingProxyType(
    {
        "critical": {"acknowledge": 1, "decide": 2, "share": 5},
        "high": {"acknowledge": 2, "decide": 5, "share": 10},
        "normal": {"acknowledge": 3, "decide": 10, "share": 20},
        "low": {"acknowledge": 5, "decide": 20, "share": 40},
    }
)
"""Working days after receipt by which a request of each urgency is acknowledged, decided and shared."""
