"""The work of a run: its branch in the repository, as a diff or as a page."""

import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from functions.clients.errors import CommandError
from functions.clients.git import NO_GIT, Git
from functions.runs.model.run import Run


def branches(run: Run) -> tuple[str, str, str]:
    """Return the repository's URL, the branch that the work began from, and the run's branch.

    Raises:
        CommandError: the run has no branch, or its spec is not valid.
    """
    if run.spec is None:
        raise CommandError(f"run {run.name} has no valid spec: {run.spec_error}")
    if not run.status.branch:
        raise CommandError(f"run {run.name} has pushed no branch yet ({run.status.phase or 'Pending'})")
    return run.spec.repository_url, run.spec.base_branch, run.status.branch


def show_diff(run: Run, *, stat: bool) -> None:
    """Show the difference between the run's branch and the point at which it left its base branch.

    Raises:
        CommandError: git could not fetch the branches.
    """
    url, base, branch = branches(run)
    with tempfile.TemporaryDirectory(prefix="orchestrator-diff-") as folder:
        git = Git(Path(folder))
        git.run("init", "--quiet", "--bare")
        git.run("remote", "add", "origin", url)
        remedy = f"run {run.name} may have pushed nothing; your own git must be able to read {url}"
        names = [f"+refs/heads/{name}:refs/heads/{name}" for name in dict.fromkeys((base, branch))]
        git.run("fetch", "--quiet", "--no-tags", "--filter=blob:none", "origin", *names, remedy=remedy)
        options = ["--stat"] if stat else []
        command = ["git", "-C", folder, "diff", *options, f"refs/heads/{base}...refs/heads/{branch}", "--"]
        try:
            subprocess.run(command, env=dict(git.environ), check=False)
        except FileNotFoundError:
            raise CommandError(NO_GIT) from None


def page(run: Run) -> str:
    """Return the URL of the run's pull request, else of the page that compares its branch with the base.

    Raises:
        CommandError: there is neither.
    """
    if run.status.pull_request_url:
        return _web(run.status.pull_request_url)
    url, base, branch = branches(run)
    path = url.removesuffix(".git")
    if not path.startswith("https://"):
        raise CommandError(f"run {run.name} has no pull request; see its work with: orchestrator runs diff {run.name}")
    return f"{path}/compare/{quote(base, safe='/')}...{quote(branch, safe='/')}"


def _web(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise CommandError(f"the run's pull request is not a web address: {url!r}")
    return url
