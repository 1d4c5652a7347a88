"""The validation of a spec by the functions (pydantic) and by the API server (the CRD's schema) agrees."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.manifests import crds
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.run import describe, parse, problems
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS
from tests.support.builders import CODE_SPEC, DOCS_SPEC, raw_run

ROOT = Path(__file__).resolve().parents[2]
BASES = {"DocsRun": DOCS_SPEC, "CodeRun": CODE_SPEC}

RESERVED = """
    SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF OPENSSL_MODULES CURL_HOME CURL_CA_BUNDLE PERL5OPT PERL5LIB RUBYOPT RUBYLIB
    JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS FUNCNEST POSIXLY_CORRECT EXECIGNORE TMOUT EDITOR VISUAL PAGER
    LESSOPEN GCONV_PATH GLIBC_TUNABLES HOSTALIASES BASH_ENV ENV IFS GIT_SSH_COMMAND SSH_AUTH_SOCK NODE_OPTIONS
"""
"""Variables that change the programs of the container's script or the hosts it trusts."""
OF_USE = """
    HTTP_PROXY HTTPS_PROXY NO_PROXY https_proxy JAVA_HOME PYTHONPATH PERL_MB_OPT PAGER_COLOUR TMOUT_SECONDS SSLMODE
    REQUESTS_CA_BUNDLE EDITORS RUBY_VERSION
"""
"""Variables with similar names, or that sites need."""

REFUSED = [
    ("repositoryUrl", "http://git.example/shop.git"),
    ("repositoryUrl", "file:///etc/passwd"),
    ("repositoryUrl", "https://user:token@git.example/shop.git"),
    ("repositoryUrl", "ssh://-oProxyCommand=touch%20x/y"),
    ("repositoryUrl", "ext::sh -c touch% x"),
    ("workingDirectory", "/etc"),
    ("workingDirectory", "../up"),
    ("workingDirectory", "a/../../up"),
    ("workingDirectory", "a\nb"),
    ("workingDirectory", ".git/hooks"),
    ("workingDirectory", "-C"),
    ("model", "gpt-5"),
    ("model", "claude-x; touch x"),
    ("githubUser", "-evil"),
    ("agentCli", "../claude"),
    ("maxRetries", 11),
    ("maxRetries", -1),
    ("maxCostUsd", 0),
    ("maxCostUsd", float("inf")),
    ("ttlSecondsAfterFinished", 10**12),
    ("env", [{"name": "AGENT_COMMAND", "value": "x"}]),
    ("env", [{"name": "POD_ROOT", "value": "x"}]),
    ("env", [{"name": "A", "value": "a\x00b"}]),
    ("timeoutSeconds", "1h"),
    ("cancel", "yes"),
    ("env", [{"name": "LD_PRELOAD", "value": "x"}]),
    ("env", [{"name": "PATH", "value": "x"}]),
    ("env", [{"name": "a b", "value": "x"}]),
    *(("env", [{"name": name, "value": "x"}]) for name in RESERVED.split()),
    ("env", {"A": "b"}),
    *(("resources", {"cpu": amount}) for amount in (0, -1, "0", "0m", "0.0", "2Gi", "1.0000", 1000, True)),
    *(("resources", {"memory": amount}) for amount in ("4", 4, "0Gi", "4gi", "4m", "-4Gi", "1.5Gi", "4Ki")),
    ("resources", {"ephemeralStorage": "10"}),
    ("resources", "2"),
    ("envFromSecrets", ["Not A Name"]),
]
REFUSED_CODE = [
    ("taskId", 0),
    ("taskId", 10**26),
    ("promptModification", "a\x00b"),
    ("taskId", "3"),
    ("taskId", "-3"),
    ("taskId", "1/2"),
    ("taskId", "a" * 41),
    ("taskTag", "a b"),
    ("service", "Not A Label"),
    ("service", "a" * 64),
    ("toolConfig", "everything"),
    ("promptMode", "prepend"),
    ("remoteTools", ""),
    ("remoteTools", "a,,b"),
    ("contextVersion", 0),
    *(
        ("branch", bad)
        for bad in (
            "",
            "-x",
            "a b",
            "a..b",
            "a//b",
            "/a",
            "a/",
            "a.",
            ".a",
            "a/.b",
            "a.lock",
            "@",
            "a@{1}",
            "a\nb",
            "a~1",
        )
    ),
]
VERBATIM = [
    ("branch", "feature/$(touch${IFS}x)"),
    ("branch", "a`touch`b"),
    ("branch", 'it\'s-"quoted"'),
    ("workingDirectory", "pkg/$(touch x) {{7*7}} `id` 'q' \"d\""),
    ("promptModification", "$(touch x)\n`id`\n{{7*7}} {% raw %} \"quoted\" 'single' \\ end"),
]


@cache
def validator(kind: str) -> Any:
    """Return a validator of the CRD's schema of the spec as JSON Schema, where exclusiveMinimum is a number."""
    found = crds.crd(SPECS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return jsonschema.Draft202012Validator(_as_json_schema(found))


def _as_json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _as_json_schema(value) for key, value in node.items()}
    if found.get("exclusiveMinimum") is True:
        found["exclusiveMinimum"] = found.pop("minimum")
    if isinstance(found.get("pattern"), str):  # '$' is the end of the text in Go and Rust, not in Python
        found["pattern"] = re.sub(r"(?<!\\)\$", r"\\Z", found["pattern"])
    return found


def api_server_takes(kind: str, spec: dict[str, Any]) -> bool:
    defaulted = {"agentCli": "claude"} | spec
    return bool(validator(kind).is_valid(defaulted))


def functions_take(kind: str, spec: dict[str, Any]) -> bool:
    return parse(raw_run(kind) | {"spec": spec}).spec is not None


@pytest.mark.parametrize(("field", "value"), [*REFUSED, *REFUSED_CODE])
def test_an_invalid_field_is_refused_by_schema_and_functions(field: str, value: Any) -> None:
    kinds = ["CodeRun"] if (field, value) in REFUSED_CODE else list(BASES)
    for kind in kinds:
        spec = {**BASES[kind], field: value}
        if field == "githubUser":
            spec.pop("githubApp", None)
        assert not api_server_takes(kind, spec), f"the schema of {kind} takes {field}={value!r}"
        with pytest.raises(ValueError, match=field):
            SPECS[kind].model_validate(spec, strict=True, extra="forbid")


@pytest.mark.parametrize(("field", "value"), VERBATIM)
def test_a_valid_field_is_kept_verbatim(field: str, value: str) -> None:
    spec = {**CODE_SPEC, field: value}
    assert api_server_takes("CodeRun", spec)
    found = parse(raw_run(spec=spec)).spec
    assert isinstance(found, CodeRunSpec)
    assert getattr(found, re.sub("([A-Z])", r"_\1", field).lower()) == value


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("both", [True, False])
def test_exactly_one_identity_is_given(kind: str, both: bool) -> None:
    spec = {name: value for name, value in BASES[kind].items() if not name.startswith("github")}
    spec |= {"githubUser": "a", "githubApp": "b"} if both else {}
    assert not api_server_takes(kind, spec)
    assert not functions_take(kind, spec)


@pytest.mark.parametrize("name", OF_USE.split())
def test_a_useful_environment_variable_is_accepted(name: str) -> None:
    spec = {**DOCS_SPEC, "env": [{"name": name, "value": "x"}]}
    assert api_server_takes("DocsRun", spec)
    assert functions_take("DocsRun", spec)


GPT, BOTH = {"model": "gpt-5"}, {"githubUser": "octocat", "githubApp": "5DLabs-Rex"}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (GPT, {"model"}),
        (BOTH, {"githubUser", "githubApp"}),
        ({"githubUser": None, "githubApp": None}, {"githubUser", "githubApp"}),
        (GPT | BOTH, {"model", "githubUser", "githubApp"}),
    ],
)
@pytest.mark.parametrize("kind", SPECS)
def test_a_rule_that_spans_fields_names_each_of_them(kind: str, change: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        SPECS[kind].model_validate({**BASES[kind], **change})
    assert {field for field, _ in problems(caught.value)} == fields
    description = describe(caught.value)
    assert "spec:" not in description
    assert ("githubUser, githubApp: give exactly one of" in description) == ("githubApp" in fields)


def test_another_agent_cli_may_use_other_models() -> None:
    spec = {**DOCS_SPEC, "agentCli": "codex", "model": "gpt-5.2-codex"}
    assert api_server_takes("DocsRun", spec)
    assert functions_take("DocsRun", spec)


TEXT_FIELDS = [
    "repositoryUrl",
    "workingDirectory",
    "model",
    "githubApp",
    "service",
    "branch",
    "remoteTools",
    "agentCli",
]


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(TEXT_FIELDS),
    value=st.one_of(
        st.text(alphabet="aZ0-_./~^:@{}[]$`'\"\\ \n\t*?,git", max_size=12),
        st.from_regex(r"^(https://|ssh://|git@)[a-z.@:/-]{1,12}$"),
        st.text(max_size=8),
    ),
)
def test_schema_and_functions_agree_on_any_text(field: str, value: str) -> None:
    spec = {**CODE_SPEC, field: value}
    if field == "agentCli":
        spec["model"] = "claude-x"
    assert api_server_takes("CodeRun", spec) == functions_take("CodeRun", spec), f"{field}={value!r}"


@pytest.mark.parametrize("name", crds.files())
def test_the_files_in_crds_equal_the_generated_ones(name: str) -> None:
    assert (ROOT / "crds" / name).read_text() == crds.files()[name], "run: python -m functions.manifests.crds"


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_crd_has_its_category_scope_and_status_subresource(spec: type[RunSpec]) -> None:
    found = crds.crd(spec)["spec"]
    version = found["versions"][0]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    assert (found["names"]["categories"], found["scope"]) == (["agents"], "Namespaced")
    assert version["subresources"] == {"status": {}}
    assert status["conditions"]["x-kubernetes-list-map-keys"] == ["type"]
    assert "x-kubernetes-validations" not in str(found)


def test_a_structural_schema_has_no_keyword_that_kubernetes_refuses() -> None:
    refused = {"$ref", "$defs", "const", "title", "patternProperties", "propertyNames", "additionalItems", "null"}

    def keys(node: Any) -> set[str]:
        if isinstance(node, dict):
            fields = node.get("properties", {}).values()  # names of fields, not keywords
            others = [each for key, each in node.items() if key != "properties"]
            return set(node).union(*(keys(each) for each in (*fields, *others)))
        return set().union(*(keys(each) for each in node)) if isinstance(node, list) else set()

    for spec in SPECS.values():
        assert not refused & keys(crds.structural(spec))


@pytest.mark.parametrize(
    ("invalid", "left_out", "field"),
    [
        ({"githubApp": "5DLabs Rex"}, [], "githubApp"),
        ({"task": {"title": "Mend it", "words": ""}}, ["taskId", "platformRepositoryUrl"], "task.words"),
    ],
)
def test_invalid_field_is_not_said_to_be_missing_too(invalid: dict[str, Any], left_out: list[str], field: str) -> None:
    body = {name: value for name, value in {**CODE_SPEC, **invalid}.items() if name not in left_out}
    with pytest.raises(ValidationError) as caught:
        CodeRunSpec.model_validate(body, strict=True, extra="forbid")
    assert [name for name, _ in problems(caught.value)] == [field]
