"""What happened, in a sentence: the words of `kith log`. tests/fixtures/sentences.json lists them."""

from collections.abc import Callable, Sequence

from kith import facts
from kith.facts import Fact


def sentence(fact: Fact, name_of: Callable[[str], str] = str) -> str:
    """What a fact says; `name_of` gives people's names, and without it ids stand. Its kind is not repeated."""
    match fact:
        case facts.Met(people):
            return f"{_list(people, name_of)} met"
        case facts.FollowedUp(by, others, about):
            return f"{name_of(by)} followed up with {_list(others, name_of)}{f' on {about}' if about else ''}"
        case facts.Asked(by, of, category):
            return f"{name_of(by)} asked {_list(of, name_of)} for help with {category}"
        case facts.Helped(helper, helped, category, about):
            more = f"{f' with {category}' if category else ''}{f', after {about}' if about else ''}"
            return f"{name_of(helper)} helped {name_of(helped)}{more}"
        case facts.Referred(referrer, person, to):
            return f"{name_of(referrer)} introduced {name_of(person)} to {name_of(to)}"
        case facts.Answered(referral, by, answer):
            return f"{name_of(by)} {'met after' if answer == 'met' else answer} {referral}"
        case facts.Custom(people=people):
            return _list(people, name_of)
        case facts.Retracted(event, reason):
            return f"{event} because of {reason}"
        case facts.OrganisationAdded(organisation, name):
            return f"{name} ({organisation})"
        case facts.PersonAdded(person, organisation, role) | facts.PersonChanged(person, organisation, role):
            return ", ".join([name_of(person), *filter(None, (role, organisation))])
        case facts.PeopleMerged(kept, merged):
            return f"{name_of(merged)} is {name_of(kept)}"
        case _:
            return _administration(fact, name_of)


def _administration(fact: Fact, name_of: Callable[[str], str]) -> str:
    match fact:
        case facts.PluginInstalled(name, version) | facts.PluginActivated(name, version):
            return f"{name} {version}"
        case facts.PluginPaused(name, paused):
            return f"{name} {'paused' if paused else 'resumed'}"
        case facts.PluginRemoved(name, installed):
            return f"installed by event {installed}" if installed else name
        case facts.MemberChanged(principal, role):
            return f"{principal} {role or 'left'}"
        case facts.TokenIssued(token, role, person, invitation=True):
            return f"{token} invites {name_of(person)} as {role}"
        case facts.TokenIssued(token, None, person):
            return f"{token} for {name_of(person)}, a member"
        case facts.TokenIssued(token, role):
            return f"{token} for {role}"
        case facts.PolicyChanged():
            return _demands(fact)
        case facts.TokenRevoked(token):
            return token
        case facts.PersonErased(person, reason, reference):
            return f"{name_of(person)}, {_grounds(reason, reference)}"
        case facts.ErasureCompleted(person=person, details_erased=erased):
            return f"{name_of(person)}, {_details(erased)}"
        case facts.HoldChanged(person, held, reason, reference):
            return f"{name_of(person)} {'held' if held else 'released'}, {_grounds(reason, reference)}"
        case facts.DetailsErased(event, details, reason, reference):
            return f"{_details(len(details))} of event {event}, {_grounds(reason, reference)}"
        case facts.LogRestored(lost_head=head, unverified=True):
            return f"from a backup that nobody vouches for, with {head} entries; earlier tokens are revoked"
        case facts.LogRestored(lost_head=head):
            return f"{head} entries were known before"
        case _:
            return "recorded by a later version of Kith, which this one cannot read"


def _demands(policy: facts.PolicyChanged) -> str:
    """What a network demands of new events."""
    days = policy.replica_days
    demanded = [
        "random ids" if policy.random_ids else "",
        "tokens as attributes" if policy.token_attributes else "",
        f"replicas sync within {days} {'day' if days == 1 else 'days'}" if days else "",
    ]
    return ", ".join(filter(None, demanded)) or "no demands"


def _list(people: Sequence[str], name_of: Callable[[str], str]) -> str:
    """`Amina, Ben and Carol`."""
    *before, last = [name_of(person) for person in people] or [""]
    return f"{', '.join(before)} and {last}" if before else last


def _grounds(reason: str, reference: str) -> str:
    return f"{reason}, case {reference}" if reference else reason


def _details(count: int) -> str:
    return f"{count} {'detail' if count == 1 else 'details'}"
