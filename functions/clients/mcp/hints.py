"""What to do next about a run, in the names of the tools."""

from functions.views.next_step import NextStepCommands

WAYS = NextStepCommands(
    watch="get_run, in a minute",
    log="get_run with logLines",
    retry="retry_run, with a message about what to do otherwise",
    docs="task_docs",
)
