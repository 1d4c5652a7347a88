"""The configuration of all functions: typed, from a YAML file and the environment, validated before a process starts.

`ORCHESTRATOR_CONFIG` names the YAML file. Every key can also be set, or overridden, by an environment variable:
`ORCHESTRATOR_` and the key in upper case, sections joined by two underscores, as in `ORCHESTRATOR_AGENT__IMAGE`;
lists and mappings are JSON. Unknown keys, duplicate keys, values that can never work and a missing image stop the
start; the error names all of them.
"""
