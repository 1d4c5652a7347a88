"""The data of a run: spec, status, names, report. Pure."""
