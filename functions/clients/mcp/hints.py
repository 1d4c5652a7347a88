"""Names of tools in texts about the next step of a run."""

from functions.views.next_step import NextStepCommands

NEXT_STEP_TOOLS = NextStepCommands(
    watch="get_run, in a minute",
    log="get_run with logLines",
    retry="retry_run, with a message about what to do differently",
    again="retry_run",
    docs="task_docs",
    code="task_code",
    diff="",
)
