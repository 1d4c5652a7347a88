"""The envelopes events come in, one module each: whether a request is one, and the event in it."""
