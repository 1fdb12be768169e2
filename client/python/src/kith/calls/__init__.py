"""What each call asks and how its answer is read: the steps that both clients carry out. Wire types stop here."""
