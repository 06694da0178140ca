"""A trust store with a lane's rules and profiles, and passes for it: what `greengate rules` looks at in tests."""

from pathlib import Path
from typing import Any

from provisioning.issuer import DemoIssuer
from tests.firmware.stores import Revoked, make_store, profile, use
from tests.provisioning.command import Done, greengate
from tests.simulators.lx1 import Lx1Issuer
from tests.verifier.rule_files import AT, SAIGON, contained, rule_body
from verifier.revocation import uci_hash
from verifier.rule_file import NATION, RuleFile, Scope

ISSUER = DemoIssuer(AT)
PERMITS = Lx1Issuer()
GOOD = ISSUER.issue()
PERMIT = PERMITS.issue("vehicle", AT)
PLATE = "51C-123.45"
GONE = "URN:UVCI:01:VN:GONE#A"
OF_SAIGON = Scope(areas=("VN-SG",))
TWO_DOSES = {">=": [{"var": "payload.v.0.dn"}, 2]}
VENUE = {
    "title": {"vi": "Vào địa điểm", "en": "Venue"},
    "country": "VN",
    "all": [{"any": [{"document": "vaccination"}, {"document": "test"}]}],
}
GREEN_LANE = {
    "title": {"vi": "Luồng xanh", "en": "Green lane"},
    "country": "VN",
    "all": [
        {"any": [{"document": "vehicle", "checks": ["route", "hours", "plate"], "without_rules": "accepted"}]},
        {"any": [{"document": "vaccination"}]},
    ],
}
STAFF = VENUE | {"all": [*VENUE["all"], {"any": [{"document": "identity", "proof": "officer"}]}]}  # type: ignore[misc]
GATE = VENUE | {"all": [], "attendance": True}
RULES = (
    contained(rule_body(Logic=TWO_DOSES, AffectedFields=["v.0.dn", "nam.fnt", "v.9.x"])),
    contained(
        rule_body("VR-VN-0002", Description=[{"lang": "en", "desc": "Only in English"}]), SAIGON, scope=OF_SAIGON
    ),
)


def trust(folder: Path, *rules: RuleFile) -> Path:
    """Make a folder with a store of these rules, by default those of this file; return the folder."""
    files = [profile(body, name) for name, body in _PROFILES.items()]
    make_store(
        folder, "1-a", AT, [ISSUER], rules=rules or RULES, profiles=files, signers=[PERMITS.entry()],
        revoked=[Revoked("uci", hashes=(uci_hash(GONE),))],
    )  # fmt: skip
    use(folder, "1-a")
    return folder


_PROFILES: dict[str, Any] = {"venue": VENUE, "green-lane": GREEN_LANE, "staff": STAFF, "gate": GATE}


def rules(verb: str, *arguments: str | Path, given: str | bytes | None = None) -> Done:
    return greengate("rules", verb, "--lang", "en", *arguments, given=given)


def broken(name: str = "VR-VN-0009") -> RuleFile:
    """Return a rule of a later engine, which is carried and undecided."""
    return contained(rule_body(name, EngineVersion="9.0.0"))


def elsewhere(name: str, **scope: tuple[str, ...]) -> RuleFile:
    """Return a rule of another place."""
    return contained(rule_body(name), NATION, scope=Scope(**scope))
