"""Names of tools in texts about the next step of a run."""

from functions.views.next_step import NextStepCommands

NEXT_STEP_TOOLS = NextStepCommands(
    watch="follow it with: get_run, in a minute",
    log="find the cause with: get_run with logLines",
    retry="try again with: retry_run, with a message about what to do differently",
    again="try again with: retry_run",
    submit="submit it again with: task_{kind}",
)
