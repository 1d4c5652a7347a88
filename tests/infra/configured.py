"""Whether each function can start with the settings, files and readable secrets that Terraform gives it."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from functions import app
from functions.queues.topology import TOPIC_OF_FUNCTION
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings
from functions.templating.search_path import SUFFIX
from tests.infra.terraform import State, block, entry_point
from tests.support.github.app import App
from tests.support.installed import ROOT

PEM = App().private_key


def differences(state: State) -> list[str]:
    """Return every difference."""
    return [*_configured(state), *_templates(state), *_secrets(state)]


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of a function, with possible values of its secrets."""
    container = service["template"][0]["containers"][0]
    found = {}
    for each in container["env"]:
        secret = block(block(each, "value_source"), "secret_key_ref")
        found[each["name"]] = '["a secret"]' if secret else each["value"]
    if found.pop("ORCHESTRATOR_GITHUB__PRIVATE_KEY_FILE", None):  # the file does not exist on this machine
        found["ORCHESTRATOR_GITHUB__PRIVATE_KEY"] = PEM
    return found


def _configured(state: State) -> Iterator[str]:
    """Yield functions that cannot start with Terraform's environment, or read objects missing in the bucket."""
    objects = {each.values["name"]: each.values for each in state.of("storage_bucket_object")}
    for target, service in sorted(state.services().items()):
        environ = environment(service)
        try:
            settings = load(environ)
            mounted = settings.model_copy(
                update={"templates": ROOT / "templates"}
            )  # the bucket does not exist on this machine
            app.require_settings(mounted, target)
        except SettingsError as error:
            yield f"entry point {target} would not start: {error}"
            continue
        yield from (f"entry point {target}: {problem}" for problem in _settled(settings, service, state, objects))


def _settled(settings: Settings, service: Mapping[str, Any], state: State, objects: Mapping[str, Any]) -> Iterator[str]:
    queues = state.outputs["queue_settings"]
    if (settings.queues.project, settings.queues.prefix) != (queues["project"], queues["prefix"]):
        yield "setting queues: leads to another queue"
    if (settings.auth.mode, settings.cluster.identity) != ("iam", "google"):
        yield "settings auth.mode and cluster.identity: must be iam and google"
    template = service["template"][0]
    mounts = {each["name"]: each["mount_path"] for each in template["containers"][0]["volume_mounts"]}
    for volume in template["volumes"]:
        if volume["gcs"] and not volume["gcs"][0]["read_only"]:
            yield f"volume {volume['name']}: is not read-only"
    if "config" in mounts:
        if settings.cluster.kubeconfig.removeprefix(f"{mounts['config']}/") not in objects:
            yield f"setting cluster.kubeconfig: nothing is at {settings.cluster.kubeconfig}"
        folder = str(settings.templates).removeprefix(f"{mounts['config']}/")
        if not any(name.startswith(f"{folder}/") for name in objects):
            yield f"setting templates: nothing is at {settings.templates}"
    elif entry_point(service) in TOPIC_OF_FUNCTION:
        yield "volume config: is not mounted"


def _templates(state: State) -> Iterator[str]:
    """Yield templates of the repository that are missing in the bucket."""
    folder = state.outputs["deployed"]["templates"]
    made = {each.values["name"] for each in state.of("storage_bucket_object", "templates")}
    for file in sorted((ROOT / "templates").rglob(f"*{SUFFIX}")):
        name = file.relative_to(ROOT / "templates").as_posix()
        if f"{folder}/{name}" not in made:
            yield f"template {name}: it is not in the bucket"


def _secrets(state: State) -> Iterator[str]:
    """Yield secrets of functions that are not created, or that the function may not read."""
    made = {each.values["secret_id"]: each.values["id"] for each in state.of("secret_manager_secret")}
    readers = state.granted("secret_manager_secret_iam_member", "secret_id", "secretmanager.secretAccessor")
    members = {each.values["email"]: each.values["member"] for each in state.of("service_account")}
    for target, service in sorted(state.services().items()):
        member = members.get(service["template"][0]["service_account"])
        for name in sorted(given(service)):
            if name not in made:
                yield f"secret {name}: {target} needs it, Terraform does not make it"
            elif (member, made[name]) not in readers:
                yield f"secret {name}: {target} may not read it"


def given(service: Mapping[str, Any]) -> set[str]:
    """Return the secrets that a function gets, as a variable or as a file."""
    template = service["template"][0]
    references = [block(block(each, "value_source"), "secret_key_ref") for each in template["containers"][0]["env"]]
    files = [block(each, "secret") for each in template["volumes"]]
    return {each["secret"] for each in [*references, *files] if each}


def kubeconfig(state: State) -> Any:
    """Return the kubeconfig of the functions."""
    return yaml.safe_load(state.one("storage_bucket_object", "kubeconfig")["content"])
