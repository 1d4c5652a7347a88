"""GitHub, or the Git host in its place."""

from typing import Annotated

from pydantic import Field

from functions.settings.section import Section


class GithubSettings(Section):
    """The Git host that repositories are on: github.com, or a GitHub Enterprise Server."""

    api_url: Annotated[
        str,
        Field(
            pattern=r"^https://[A-Za-z0-9.:-]+(/[A-Za-z0-9./_-]*)?$",
            description="REST API, as in https://HOST/api/v3.",
        ),
    ] = "https://api.github.com"
    known_hosts: Annotated[
        list[str], Field(description="SSH host keys of Git hosts besides github.com, as lines of a known_hosts file.")
    ] = []

    @property
    def host(self) -> str:
        """Where repositories are: name, and port where it is not the usual one."""
        return self.api_url.split("/")[2].removeprefix("api.")
