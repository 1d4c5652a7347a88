"""The spec model of each kind of run."""

from collections.abc import Mapping

from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import RunSpec

SPECS: Mapping[str, type[RunSpec]] = {RunKind.DOCS: DocsRunSpec, RunKind.CODE: CodeRunSpec}
