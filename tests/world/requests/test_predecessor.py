"""Resources of the predecessor (`orchestrator.platform/v1`, snake_case) become ours.

| case | what was tried                        | now                                                         |
|------|---------------------------------------|-------------------------------------------------------------|
| S6   | a spec in snake_case, from a manifest | accepted as it is; a table of old and new fields       |
"""

import re

from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.specs import SPECS
from tests.support.builders import CODE_SPEC
from tests.support.installed import ROOT

PAGE = (ROOT / "docs/migrate.md").read_text()
SNAKE = {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key): value for key, value in CODE_SPEC.items()}


def test_the_table_has_each_field_that_is_spelt_otherwise() -> None:
    renamed = {
        (name, field.alias)
        for spec in SPECS.values()
        for name, field in spec.model_fields.items()
        if field.alias not in (None, name)
    }
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(rows) == renamed
    assert len(rows) == len(set(rows)) > 10


def test_a_spec_in_snake_case_is_accepted() -> None:
    assert SNAKE.keys() != CODE_SPEC.keys()
    assert CodeRunSpec.model_validate(SNAKE) == CodeRunSpec.model_validate(dict(CODE_SPEC))
