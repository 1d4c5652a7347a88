"""The domain, pure: what a run is, how it lives, and what to do next. No I/O, no clock, no environment."""
