"""An attempt in the file system of the built agent image: its user, no capabilities, a read-only root."""

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.container import prepared
from tests.agent.model_server import Model, says, serving, uses
from tests.agent.sshd import SshServer
from tests.agent.world import World
from tests.support import images
from tests.support.images import Image

MODEL = "claude-sonnet-4-5-20250929"


@pytest.mark.timeout(images.BUILD_SECONDS)  # the first test that needs the image builds it
@pytest.mark.parametrize("kind", ["docs", "code"])
def test_attempt_runs_in_the_built_agent_image(
    agent_image: Image,
    ssh_world: World,
    ssh_server: SshServer,
    docs_spec: SpecFactory,
    code_spec: SpecFactory,
    kind: str,
) -> None:
    make, repository = (docs_spec, "platform") if kind == "docs" else (code_spec, "shop")
    look = "{ id -u; touch /opt/x /usr/x; command -v claude gh git-lfs rg; git lfs version; } > seen.txt 2>&1"
    with serving(Model([uses("Bash", command=look, description="look"), says("Done.")])) as model:
        container, environ = prepared(ssh_world, ssh_server, make(model=MODEL), model.url)
        try:
            result = container.start_in(agent_image, environ).wait()
        finally:
            container.end()
    assert (result.outcome, result.reason) == ("succeeded", Reason.COMPLETED), container.log
    seen = ssh_world.remotes.show(repository, f"{BRANCH}:seen.txt").splitlines()
    assert seen[0] == "1000"
    assert len([line for line in seen if "Read-only file system" in line]) == 2
    assert seen[3:7] == ["/usr/local/bin/claude", "/usr/bin/gh", "/usr/bin/git-lfs", "/usr/bin/rg"]
    assert seen[7].startswith("git-lfs/")
