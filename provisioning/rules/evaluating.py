"""`greengate rules evaluate`: which rules apply to a pass at a lane and time, what each says, and what is missing."""

from collections.abc import Sequence
from typing import Annotated

import typer

from provisioning.exits import Exit, emit
from provisioning.pass_source import texts_of
from provisioning.rules.asking import Asked, answer_of, asked, profiles_of
from provisioning.rules.sight import (
    TOPIC,
    AreaCode,
    At,
    ConfigFile,
    LaneName,
    Named,
    Roads,
    Sight,
    SiteDir,
    TrustDir,
    sight_of,
)
from provisioning.rules.telling import answer_result, asked_result, exit_of, show_answer, show_asked
from provisioning.talk import JsonOption, LangOption, Talk
from verifier import Reason, Verifier
from verifier.profile import BUILT_IN
from verifier.revocation_set import RevocationSetError

Sources = Annotated[
    list[str], typer.Argument(metavar="PASS | IMAGE | -...", help="Passes of one person, as if shown together.")
]
Plate = Annotated[str | None, typer.Option("--plate", metavar="PLATE", help="The plate that was entered.")]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Show the values that rules look at; they may name the holder.")
]


def evaluate(
    sources: Sources,
    trust: TrustDir = None,
    site: SiteDir = None,
    at: At = None,
    lane: LaneName = None,
    area: AreaCode = None,
    road: Roads = None,
    plate: Plate = None,
    show_values: ShowValues = False,  # noqa: FBT002 - typer makes a flag of it
    config: ConfigFile = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Tell which rules apply to a pass, what each says and which fields it looks at, and what the lane still wants.

    Example: greengate rules evaluate --lane green-lane --at 2021-10-15T08:00:00+07:00 permit.png test.png

    A pass need not be trusted: one that is expired, revoked or nobody's is read all the same, that it is not accepted
    is said, and rules are asked as if it were. Layers of its signature: greengate explain.

    Exit codes: 0 the gate would accept it, 1 refused, 3 undecided, or something is missing, 2 wrong usage, 65 not
    understood, 66 no such file, or the trust data cannot be used, 78 the configuration cannot be used.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    sight = sight_of(Named(config, trust, site, at, lane, area, tuple(road or ())), talk)
    if sight.profile is None:
        talk.fail(Exit.USAGE, "lane-needed")
    texts = [text for source in sources for text in texts_of(source, as_json=as_json)]
    profiles = profiles_of(sight)
    countries = [BUILT_IN.country] if isinstance(profiles, Reason) else [profile.country for profile in profiles]
    found = _asked(texts, sight, list(dict.fromkeys(countries)), talk)
    answer = profiles if isinstance(profiles, Reason) else answer_of(found, profiles, sight, plate)
    if as_json:
        for one in found:
            emit(asked_result(one, sight, values=show_values))
        emit(answer_result(answer, found, sight))
    else:
        for one in found:
            show_asked(one, sight, talk, values=show_values)
        show_answer(answer, found, sight, talk)
    raise typer.Exit(exit_of(answer, found))


def _asked(texts: Sequence[str], sight: Sight, countries: list[str], talk: Talk) -> list[Asked]:
    verifier = Verifier(sight.trust.signers, sight.trust.revocations)
    try:
        return [asked(text, sight, verifier, countries) for text in dict.fromkeys(texts)]
    except RevocationSetError as error:
        talk.fail(Exit.NO_INPUT, "trust-unusable", why=str(error))
