"""Attempts that work as a GitHub App on the GitHub double, over real HTTPS with real git.

The double (fixture `github`) checks keys, tokens and permissions.
"""

from typing import Any

from functions.runs.model.run_spec import RunSpec
from tests.agent.conftest import SpecFactory
from tests.agent.world import Pod, World, plain_settings
from tests.support.github import Github
from tests.support.github.content import Object

APP = {"githubUser": None, "githubApp": "5DLabs-Rex"}
TOKENS = "POST /app/installations/77/access_tokens"


def pulls(github: Github) -> list[Object]:
    """Return all pull requests of the double."""
    return [pull for each in github.repositories for pull in each.pulls.values()]


def host(github: Github) -> str:
    """Return the double's host and port, as in the URLs of git."""
    return github.place.url.removeprefix("https://")


def spec_of(github: Github, make: SpecFactory, **changes: Any) -> RunSpec:
    """Return a spec made by `make`, with repositories of the double, for the App."""
    base = f"{github.place.url}/acme"
    if "platformRepositoryUrl" in make().model_dump(by_alias=True):
        return make(**{"repositoryUrl": f"{base}/shop", "platformRepositoryUrl": f"{base}/platform", **APP, **changes})
    return make(**{"repositoryUrl": f"{base}/platform.git", **APP, **changes})


def pod_of(world: World, github: Github, spec: RunSpec, agent: str = "", attempt: int = 1, **changes: Any) -> Pod:
    """Return a pod with the App's key and a trusted certificate; `agent` is the agent's shell script."""
    secrets = {"github-app/app-id": str(github.app.id), "github-app/private-key": github.app.private_key}
    certificate = str(world.path / "github" / "certificate.pem")
    given: dict[str, Any] = {
        "settings": plain_settings(github={"api_url": github.url}),
        "secrets": secrets,
        "SSL_CERT_FILE": certificate,
        "GIT_SSL_CAINFO": certificate,
    }
    if agent:
        given["AGENT_COMMAND"] = world.agent(agent)
    return world.pod(world.task(spec, attempt=attempt), **given | changes)


def ssh_user(world: World, github: Github, make: SpecFactory, **environ: Any) -> Pod:
    """Return a pod of a githubUser: git over SSH goes to a directory, and the API is the double's."""
    spec = spec_of(github, make, githubApp=None, githubUser="octocat")
    url = f"{github.place.url}/acme/"
    return pod_of(world, github, spec, secrets={"ssh/id_ed25519": "k"}, url=url, **environ)
