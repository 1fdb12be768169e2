"""Refusals by a check before anything is sent, with the reason and field that a server gives."""

from typing import NoReturn

from kith.errors import FieldViolation, Refused

TIME_RULE = "a time in whole milliseconds between the years 1900 and 9999"
OCCURRED_AT = "event.occurred_at"


def refuse(reason: str, field: str, problem: str) -> NoReturn:
    """The event or request breaks a rule."""
    raise Refused(f"{field}: {problem}", reason=reason, violations=[FieldViolation(field, problem)])


def broken(field: str, problem: str) -> NoReturn:
    """A field of an event breaks a rule."""
    refuse("EVENT_INVALID", field, problem)


def must_be(field: str, rule: str) -> NoReturn:
    """A field of an event is not what it must be."""
    broken(field, f"must be {rule}")


def too_long(field: str, most: int, found: int) -> NoReturn:
    """A field has too many bytes."""
    refuse("LIMIT_EXCEEDED", field, f"has {found} bytes; at most {most} are allowed")


def check_count(field: str, found: int, least: int, most: int) -> None:
    """Checks the length of a list."""
    if found < least:
        broken(field, f"has {found} items; at least {least} are needed")
    if found > most:
        refuse("LIMIT_EXCEEDED", field, f"has {found} items; at most {most} are allowed")
