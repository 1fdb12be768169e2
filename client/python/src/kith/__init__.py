"""The client of Kith, the shared memory of a professional network.

`connect` gives a client, `kith.aio.connect` one with `async`; `met`, `helped` and the other builders make events;
`kith.verify` checks proofs without asking anybody. Times are aware `datetime`s, days of views are UTC `date`s,
positions are `int`s, ids of events are `UUID`s, people and organisations are named by their ids.
"""

from kith import aio, verify
from kith.builders import (
    answered,
    asked,
    custom,
    followed_up,
    helped,
    met,
    organisation_added,
    people_merged,
    person_added,
    person_changed,
    referred,
    retracted,
)
from kith.client import Client, connect
from kith.entry import Entries, Entry, ErasedDetail, read_entry
from kith.errors import (
    AnswerInvalid,
    Error,
    FieldViolation,
    NotVerified,
    OptionsInvalid,
    Refused,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from kith.event import AttributeValue, Detail, DetailKind, Event, Scope, person_named
from kith.facts import Fact, Newer, kind_of, people_of, target_of
from kith.filters import Filter
from kith.ids import new_event_id, new_person_id
from kith.log import Condition, Cursor, EventResult, ExpectedHead, Head, NoneMatch, Outcome, Page, Refusal, Update
from kith.members import Invitation, Joined, Member, Replica
from kith.networks import IssuedToken, Network, Organisation, People, Person, Token, WhoAmI
from kith.new_event import EventOptions, NewEvent, Words, new_event
from kith.options import Retry, Timeouts
from kith.records import Completion, ErasedPerson, Erasure, Hold
from kith.sentences import sentence
from kith.views import Change, Digest, Evidence, Field, Row, Rows, View, Why

__all__ = [
    "AnswerInvalid",
    "AttributeValue",
    "Change",
    "Client",
    "Completion",
    "Condition",
    "Cursor",
    "Detail",
    "DetailKind",
    "Digest",
    "Entries",
    "Entry",
    "ErasedDetail",
    "ErasedPerson",
    "Erasure",
    "Error",
    "Event",
    "EventOptions",
    "EventResult",
    "Evidence",
    "ExpectedHead",
    "Fact",
    "Field",
    "FieldViolation",
    "Filter",
    "Head",
    "Hold",
    "Invitation",
    "IssuedToken",
    "Joined",
    "Member",
    "Network",
    "NewEvent",
    "Newer",
    "NoneMatch",
    "NotVerified",
    "OptionsInvalid",
    "Organisation",
    "Outcome",
    "Page",
    "People",
    "Person",
    "Refusal",
    "Refused",
    "Replica",
    "Retry",
    "Row",
    "Rows",
    "Scope",
    "ServerFailed",
    "TimedOut",
    "Timeouts",
    "Token",
    "Unreachable",
    "Update",
    "View",
    "WhoAmI",
    "Why",
    "Words",
    "aio",
    "answered",
    "asked",
    "connect",
    "custom",
    "followed_up",
    "helped",
    "kind_of",
    "met",
    "new_event",
    "new_event_id",
    "new_person_id",
    "organisation_added",
    "people_merged",
    "people_of",
    "person_added",
    "person_changed",
    "person_named",
    "read_entry",
    "referred",
    "retracted",
    "sentence",
    "target_of",
    "verify",
]
