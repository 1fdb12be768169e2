"""A view that does what each event says: for tests of what authors are told."""

import datetime
import io
import os
import random
import time
import uuid

from kith_plugin import Field, Route, View


class Contacts(View):
    name = "contacts"
    version = "1.0.0"
    routes = [Route("met", "pair")]
    fields = [Field("days", "integer", "events")]
    settings = {"type": "object", "properties": {"how": {"type": "string", "default": ""}}}

    def configure(self, settings):
        self.how = settings["how"]
        if self.how == "break":
            print("about to break")
            {}["nothing"]

    def fold(self, key, state, events):
        state = state or [0]
        for event in events:
            do = event.attribute("do")
            if do is not None:
                eval(do)
            if self.how == "grow":
                state.append([event.position, event.at])
        return None if self.how == "forget" else state

    def row(self, key, state, as_of):
        return {"days": "2" if self.how == "text" else len(state)}


VIEW = Contacts
