"""Any sequence of verbs, by anybody: the register and a model of a few lines of plain Python always agree."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from register_cases import ACTORS, AT, MANIFEST, OTHER, VERBS, YES, go, office
from sdc.errors import ApprovalError, SdcError
from sdc.register import open_register
from sdc.register.states import GRANTED, MOVES, PERMISSIONS

IDS = ("REQ-2026-001", "REQ-2026-002")
NAMES = {"answers": "appraise", "return": "review", "fulfil": "obligation"}
WORKING = sorted({role for roles in PERMISSIONS.values() for role in roles})
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
TEMPLATE: list[Path] = []


class Model:
    """A request as a few plain values."""

    def __init__(self) -> None:
        self.state, self.asked_from, self.answers, self.cycle = "", "", "", 1
        self.granted = False
        self.preparers: set[str] = set()
        self.submitted, self.votes = "", {}
        self.released: dict[str, str] = {}
        self.open_obligations, self.obligations = set(), 0
        self.delivered_deletion: set[str] = set()

    def allows(self, verb: str, actor: str, roles: dict[str, tuple[str, ...]], detail: dict) -> bool:
        name = NAMES.get(verb, verb)
        if not set(roles.get(actor, ())) & set(PERMISSIONS[name]):
            return verb == "publish" and self._same(detail)
        if verb == "publish" and self.released.get(detail["version"]):
            return self._same(detail)
        if not any(start == self.state for start, _ in MOVES[name]):
            return False
        return {
            "answer": lambda: True,
            "approve": lambda: self.answers == "good",
            "review": lambda: self._may_vote(actor, detail),
            "return": lambda: self._may_vote(actor, detail),
            "publish": lambda: detail["manifest"] == self.submitted and len(self._approvals()) >= 2,
            "share": lambda: bool(self.released) and (self.state == "shared" or self.submitted in self._manifests()),
            "fulfil": lambda: 1 in self.open_obligations,
            "close": lambda: not self.open_obligations,
        }.get(verb, lambda: True)()

    def _same(self, detail: dict) -> bool:
        return self.state != "" and self.released.get(detail["version"]) == detail["manifest"]

    def _manifests(self) -> set[str]:
        return set(self.released.values())

    def _approvals(self) -> set[str]:
        return {actor for actor, yes in self.votes.items() if yes} - self.preparers

    def _may_vote(self, actor: str, detail: dict) -> bool:
        return actor not in self.votes and actor not in self.preparers and detail["manifest"] == self.submitted

    def take(self, verb: str, actor: str, detail: dict) -> None:
        name = NAMES.get(verb, verb)
        ways = [after for start, after in MOVES[name] if start == self.state]
        if verb == "answers":
            self.answers = detail["answers"]
        if verb == "ask":
            self.asked_from = self.state
        if verb == "answer":
            self.state = self.asked_from if self.state == "needs_info" else "appraisal"
            return
        if verb == "approve":
            self.granted = True
        if verb == "prepare":
            self.preparers.add(actor)
            self.state = "preparing"
            return
        if verb == "submit":
            self.preparers.add(actor)
            self.submitted, self.votes = detail["manifest"], {}
        if verb in ("review", "return"):
            self.votes[actor] = verb == "review"
            self.state = "review" if verb == "review" else "preparing"
            return
        if verb == "publish":
            self.released[detail["version"]] = detail["manifest"]
            return
        if verb == "obligation":
            self.obligations += 1
            self.open_obligations.add(self.obligations)
        if verb == "fulfil":
            self.open_obligations.remove(1)
        if verb == "reopen":
            self.cycle, self.answers, self.granted = self.cycle + 1, "", False
        if verb == "share":
            self.state = "shared"
            return
        self.state = self.state if self.state in ways else ways[0]


class Office(RuleBasedStateMachine):
    """Two requests, ten actors, all verbs; roles change on the way."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="register-", dir=MEMORY))
        if not TEMPLATE:
            TEMPLATE.append(Path(tempfile.mkdtemp(prefix="register-template-")) / "register.sqlite")
            office(str(TEMPLATE[0])).close()
        path = self.folder / "register.sqlite"
        shutil.copy(TEMPLATE[0], path)
        self.register = open_register(str(path))
        self.models = {id: Model() for id in IDS}
        self.roles = dict(ACTORS)
        self.events = self.register.head().events

    def teardown(self) -> None:
        self.register.verify()
        self.register.close()
        shutil.rmtree(self.folder)

    @rule(
        id=st.sampled_from(IDS),
        verb=st.sampled_from(sorted(VERBS)),
        other=st.none() | st.sampled_from([*ACTORS, "ACT-X9"]),
        manifest=st.sampled_from([MANIFEST, MANIFEST, MANIFEST, OTHER]),
        version=st.sampled_from(["1.0.0", "1.1.0"]),
        answers=st.sampled_from(["good", "good", "bad"]),
    )
    def act(self, id, verb, other, manifest, version, answers) -> None:
        self._do(id, verb, other, {"manifest": manifest, "version": version, "answers": answers})

    @rule(id=st.sampled_from(IDS), steps=st.integers(1, 9))
    def go_on(self, id, steps) -> None:
        """The usual way on, so that what lies far is reached too."""
        usual = {
            "": "receive",
            "received": "appraise",
            "appraisal": "answers",
            "needs_info": "answer",
            "consultation": "answer",
            "approved": "prepare",
            "preparing": "submit",
            "shared": "follow_up",
            "follow_up": "close",
            "closed": "reopen",
        }
        detail = {"manifest": MANIFEST, "version": "1.0.0", "answers": "good"}
        for _ in range(steps):
            model = self.models[id]
            if model.state == "review":
                detail["manifest"] = model.submitted
                for verb, actor in (("review", "ACT-R1"), ("review", "ACT-R2"), ("publish", None), ("share", None)):
                    self._do(id, verb, actor, detail)
                continue
            verb = usual.get(model.state)
            if verb is None:
                return
            self._do(id, "approve" if verb == "answers" and model.answers == "good" else verb, None, detail)

    @rule(actor=st.sampled_from(sorted(set(ACTORS) - {"ACT-M1"})), roles=st.sets(st.sampled_from(WORKING), max_size=3))
    def give_roles(self, actor, roles) -> None:
        self.register.set_actor(actor, sorted(roles), actor="ACT-M1", at=AT)
        self.roles[actor] = tuple(sorted(roles))
        self.events += 1

    def _do(self, id, verb, other, detail) -> None:
        actor = other or VERBS[verb][0]
        model = self.models[id]
        changes = {
            "submit": {"manifest_sha256": detail["manifest"]},
            "review": {"manifest_sha256": detail["manifest"]},
            "return": {"manifest_sha256": detail["manifest"]},
            "publish": {"manifest": detail["manifest"], "version": detail["version"]},
            "answers": {
                "answers": YES if detail["answers"] == "good" else {**YES, "data": ("no", "Too much is asked.")}
            },
        }.get(verb, {})
        again = verb == "publish" and bool(model.released.get(detail["version"]))
        if model.allows(verb, actor, self.roles, detail):
            go(self.register, verb, actor, id=id, **changes)
            if not again:
                if verb == "answers" and model.state == "received":
                    model.state = "appraisal"
                model.take(verb, actor, detail)
                self.events += 1
            return
        try:
            go(self.register, verb, actor, id=id, **changes)
        except SdcError:
            return
        raise AssertionError(f"{verb} by {actor} in `{model.state}` was not refused")

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "register"):
            return
        for id, model in self.models.items():
            assert (self.register.state(id) or "") == model.state
            if model.state:
                grant = self.register.grant(id)
                assert (grant is not None) == (model.granted and model.state in GRANTED)
            assert {row["version"]: row["manifest_sha256"] for row in self.register.releases(id)} == model.released
            assert {vote.actor for vote in self.register.votes(id, model.submitted or MANIFEST)} == set(model.votes)
            if model.state == "review" and len(model._approvals()) >= 2:
                assert set(self.register.approvers(id, model.submitted)) == model._approvals()
            elif model.state == "review" and not model.released:
                try:
                    self.register.approvers(id, model.submitted)
                except ApprovalError:
                    continue
                raise AssertionError("fewer than two approved")
        assert self.register.head().events == self.events


Office.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
TestOffice = pytest.mark.slow(Office.TestCase)
