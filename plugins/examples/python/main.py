"""The view `contacts`: one row per pair of people, with how often and when last they were in contact."""

from kith_plugin import Field, Route, View

KINDS = ["met", "followed_up", "helped", "referred"]


class Contacts(View):
    """A contact is an event of the two; one that says it was shorter than the settings require does not count."""

    name = "contacts"
    version = "1.0.0"
    state_version = 1
    routes = [Route(kind, "pair") for kind in KINDS]
    fields = [
        Field("days", "integer", "days in contact"),
        Field("last", "day", "the latest day in contact"),
        Field("silent", "integer", "days since then"),
        Field("per_month", "number", "days in contact per 30 days since the first"),
        Field("minutes", "integer", "minutes together, where the attribute `minutes` says how long"),
    ]
    settings = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "minutes_min": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1440,
                "default": 0,
                "description": "A contact that says it took fewer minutes does not count.",
            }
        },
    }

    def configure(self, settings):
        self.minutes_min = settings["minutes_min"]

    def fold(self, key, state, events):
        for event in events:
            minutes = event.attribute("minutes")
            said = type(minutes) is int
            if said and not self.minutes_min <= minutes <= 1440:
                continue
            day = event.day
            if state is None:
                state = {"days": 0, "first": day, "last": None, "minutes": None}
            if day != state["last"]:
                state["days"] += 1
                state["last"] = day
            if said:
                state["minutes"] = (state["minutes"] or 0) + minutes
        return state

    def row(self, key, state, as_of):
        return {
            "days": state["days"],
            "last": state["last"],
            "silent": max(0, as_of - state["last"]),
            "per_month": state["days"] * 30 / max(1, as_of - state["first"] + 1),
            "minutes": state["minutes"],
        }


VIEW = Contacts
