"""Runs of a typical working day."""

from datetime import timedelta
from typing import Any

from tests.console.agent_stream import session_of_an_agent
from tests.console.world import World, ago, attempt, status

SHOP = "https://github.com/acme/inventory.git"
WEB = "https://github.com/acme/storefront.git"
TITLES = {
    3: "Refund a payment that was captured twice",
    5: "Reserve items for an hour at checkout",
    7: "Take items out of the stock",
    8: "Tell what runs low",
    9: "Survive a crash while writing",
    12: "Show delivery dates on the product page",
    21: "Cache the front page for a minute",
    22: "Count items by warehouse",
    23: "Refuse negative amounts",
    24: "Remember the basket of a guest",
    26: "Import stock from a CSV file",
    27: "Sort search results by price",
    28: "Lock the stock while it is counted",
    29: "Report what was sold by day",
    31: "Build and publish on each tag",
    32: "Round prices to cents",
    33: "Drop the unused address form",
}
"""Titles of tasks by id."""


SUMMARY = """Done: the amount is checked before the refund is sent.

- `make test` passes, with two new tests
- left open: refunds in other currencies"""


def usage(cost: float) -> dict[str, Any]:
    return {"costUsd": cost, "inputTokens": 81_204, "outputTokens": 6_120, "turns": 14}


def working_day(world: World) -> None:
    """Create two running runs, two queued, one to retry, one to fix, and a week of ended ones."""
    running(world)
    second = attempt(1, "code-web-12", ago(minutes=2))
    world.put(
        "storefront-12", repositoryUrl=WEB, taskId=12, taskTitle=TITLES[12], service="storefront",
        githubApp="5DLabs-Blaze",
        at=ago(minutes=3), status=status("Running", "the agent works", attempts=[second], agent="blaze", task="12"),
    )  # fmt: skip
    waits = "all 2 runs of the installation are at work"
    for number, minutes in ((8, 9), (9, 4)):
        world.put(
            f"inventory-{number}", repositoryUrl=SHOP, taskId=number, taskTitle=TITLES[number], service="inventory",
            at=ago(minutes=minutes), status=status("Queued", waits),
        )  # fmt: skip
    failed_once = attempt(1, "code-again-1", ago(minutes=31), ago(minutes=12), "RateLimited", "the API's limit resets")
    world.put(
        "inventory-5", repositoryUrl=SHOP, taskId=5, taskTitle=TITLES[5], service="inventory", at=ago(minutes=32),
        status=status(
            "Retrying", "rate limited; the next attempt starts at 15:20", attempts=[failed_once], usage=usage(0.8)
        ),
    )  # fmt: skip
    to_fix = attempt(1, "code-fix-1", ago(minutes=14), ago(minutes=13), "MissingSecret", "no key")
    world.put(
        "payments-3", repositoryUrl="https://github.com/acme/payments.git", taskId=3, taskTitle=TITLES[3],
        service="payments",
        at=ago(minutes=15),
        status=status("MissingSecret", "Secret claude-api-key has no key api-key", attempts=[to_fix]),
    )  # fmt: skip
    ended(world)


def running(world: World) -> None:
    """Create a run whose agent is running, in its second attempt."""
    started = ago(minutes=6, seconds=12)
    first = attempt(
        1, "code-inv-7-1", ago(minutes=26), ago(minutes=11), "DeadlineExceeded", "the deadline of 15m passed"
    )
    second = attempt(2, "code-inv-7-2", started) | {"resumes": True}
    made = world.put(
        "inventory-7", repositoryUrl=SHOP, taskId=7, taskTitle=TITLES[7], service="inventory",
        githubApp="5DLabs-Rex", at=ago(minutes=27),
        status=status(
            "Running", "the agent works", attempts=[first, second], agent="rex", task="7", usage=usage(0.31),
            branch="agents/inventory-7-3f2b8", configMapName="code-inv-7-2", sessionId="0b6f7e1c",
        ),
    )  # fmt: skip
    world.pod("code-inv-7-2", *session_of_an_agent()[:-2])
    world.event(made, "Queued", "waits for a free slot", ago(minutes=27))
    world.event(made, "Starting", "attempt 1 starts", ago(minutes=26))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "code-inv-7-2-x7k2p", "namespace": world.namespace}}
    world.event(pod, "FailedScheduling", "0/4 nodes are available: insufficient memory", started, warning=True)
    world.event(pod, "Scheduled", "assigned to node-3", started + timedelta(seconds=20))
    world.task_files(
        "code-inv-7-2",
        {
            "prompt.md": "# Take items out of the stock\n\nImplement task 7 of inventory.\n",
            "CLAUDE.md": "# You are rex\n\nYou implement one task at a time.\n",
            "container.sh": "#!/bin/bash\nset -euo pipefail\n",
            "settings.json": '{"model": "sonnet"}\n',
        },
    )


def ended(world: World) -> None:
    """Create the ended runs of a week, most of them successful."""
    tasks = (
        ("Completed",) * 5
        + ("OutOfMemory", "Cancelled")
        + ("Completed",) * 4
        + ("PushRefused", "Completed", "NoChanges")
    )
    for number, reason in enumerate(tasks, 20):
        hours = 3 + (number - 20) * 11.5
        began, over = ago(hours=hours + 0.4), ago(hours=hours)
        message = {
            "Completed": "the agent is done; a pull request is open",
            "NoChanges": "nothing needed changing",
            "OutOfMemory": "the container needed more than 4Gi; raise spec.resources.memory",
            "PushRefused": "GitHub refused .github/workflows/ci.yml: the App lacks the permission workflows",
            "Cancelled": "cancelled by octocat",
        }[reason]
        well = reason in ("Completed", "NoChanges")
        docs = number % 5 == 0
        more: dict[str, Any] = {"usage": usage(round(0.35 + (number * 37 % 11) / 6, 2)), "branch": f"agents/r-{number}"}
        if reason == "Completed":
            more["summary"] = SUMMARY
            more["pullRequestUrl"] = f"https://github.com/acme/inventory/pull/{number + 80}"
        spec: dict[str, Any] = {"repositoryUrl": SHOP if number % 3 else WEB}
        if not docs:
            spec |= {
                "taskId": number,
                "taskTitle": TITLES[number],
                "service": "inventory" if number % 3 else "storefront",
            }
        world.put(
            f"{'docs' if docs else 'code'}-{number}", "DocsRun" if docs else "CodeRun", at=began,
            status=status(
                reason, message, succeeded="True" if well else "False",
                attempts=[attempt(1, f"j-{number}", began, over, reason, message)], **more,
            ), **spec,
        )  # fmt: skip
