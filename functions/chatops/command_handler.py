"""Handles one request on GitHub: permission, command, reply."""

import logging
from collections.abc import Sequence
from functools import cached_property, partial

from functions.chatops import run_requests
from functions.chatops.context import CommandContext
from functions.chatops.feedback import retry_after_event
from functions.chatops.feedback_lookup import FeedbackLookup
from functions.chatops.permission import may_write
from functions.chatops.stale_commands import why_stale
from functions.cluster.errors import Invalid
from functions.github.api.client import Github
from functions.github.api.errors import Denied, NotFound, Rejected
from functions.github.api.recent_event import RecentEventCalls
from functions.github.api.reply_poster import ReplyPoster, add_reaction
from functions.github.commands import replies, spec_builder
from functions.github.commands.configuration import BadConfiguration, Configuration
from functions.github.commands.parse import (
    MAX_INSTRUCTIONS_LENGTH,
    Cancel,
    Command,
    InvalidCommand,
    Retry,
    StartRun,
    Status,
)
from functions.github.content_budget import Share
from functions.github.json_fields import dig_text
from functions.github.markdown import sanitize
from functions.github.reports.feedback import describe_comment
from functions.github.webhook.decisions import Closed, CommandRequest, FeedbackReceived, MappingTriggered
from functions.github.webhook.event import WebhookEvent
from functions.runs import requests
from functions.runs.admission.position import Position, position
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.origin import Origin
from functions.runs.model.run import Run
from functions.runs.requests import RequestRefused
from functions.serving import authentication
from functions.serving.dependencies import Dependencies
from functions.serving.http import Refused
from functions.storage import content_budget
from functions.submission import acceptance
from functions.submission.acceptance import Key

log = logging.getLogger("orchestrator")


class CommandHandler:
    """Handles one request, once per key. What it refers to is looked up only when needed."""

    def __init__(self, deps: Dependencies, github: Github, event: WebhookEvent, request: CommandRequest) -> None:
        self._deps, self._event, self._request = deps, event, request
        repository = github.repository(event.repository, event.repository_id)
        self._repository = RecentEventCalls(repository, event.time, deps.clock)
        self._context = CommandContext(deps, github, event, request)
        self._caller = authentication.on_github(request.login)
        app = deps.settings.github.app_id
        self._replies = ReplyPoster(self._repository, request.number, request.reply_key, app, deps.clock())

    def handle(self) -> None:
        """Do what is requested and reply. Raises GithubError and ClusterError; a repeated call continues."""
        match self._request.trigger:
            case MappingTriggered() as mapping:
                self._handle_mapping(mapping)
            case FeedbackReceived() as feedback:
                self._handle_feedback(feedback)
            case Closed():
                self._handle_close()
            case command:
                if self._is_accepted() and not self._is_withdrawn(command):
                    self._handle_command(command)

    def _handle_mapping(self, mapping: MappingTriggered) -> None:
        """Look up the mapping before the permission: most labels are not mapped to a command."""
        configuration = self._context.configuration
        if isinstance(configuration, BadConfiguration):
            self._log(f"a label or assignment cannot be looked up: the configuration is not valid: {configuration}")
            if configuration.mentions(mapping.name) and self._is_accepted():
                self._reply(replies.bad_configuration(configuration.problems))
            return
        command = configuration.command_for(mapping.by, mapping.name)
        if command and self._is_accepted() and not self._is_withdrawn(command):
            self._perform(command, configuration, mapping.title)
        return

    def _handle_feedback(self, feedback: FeedbackReceived) -> None:
        configuration = self._context.configuration
        if isinstance(configuration, BadConfiguration) or feedback.source not in configuration.retry_on:
            return self._log(f"a {feedback.source} does not start a retry here")
        if self._request.login and not self._is_accepted():
            return None
        run = self._context.run_of_feedback(feedback)
        refusal = self._retry_after_feedback(run, feedback, configuration.retry_on) if run else ""
        return self._reply(replies.refused(refusal)) if refusal and feedback.source == "review" else None

    def _retry_after_feedback(self, run: Run, feedback: FeedbackReceived, sources: Sequence[str]) -> str:
        """Return why the run is not retried; empty if it is. A reviewer needs the rights that a retry requires."""
        try:
            if self._request.login:
                self._authorize(run)
        except Refused as refusal:
            return _explain(refusal)
        return retry_after_event(self._deps, self._lookup(sources), run, self._request, feedback)

    def _lookup(self, sources: Sequence[str]) -> FeedbackLookup:
        repository = self._event.repository_id
        return FeedbackLookup(self._repository, repository, sources, self._may_write, self._context.app_in)

    def _handle_close(self) -> None:
        """Cancel the runs of the issue or pull request. Closing it takes less than write access, so it is opt-in."""
        configuration = self._context.configuration
        if not (isinstance(configuration, Configuration) and configuration.cancel_on_close):
            return
        closed_at = self._request.sort_key.partition(" ")[0]
        for run in self._context.runs_here:
            if closed_at and run_requests.requested_at(run).partition(" ")[0] > closed_at:
                continue  # of a command after the closing, which arrived late
            try:
                run_requests.apply(self._deps, run, partial(requests.cancel, key=self._request.key))
            except RequestRefused as refusal:
                self._log(f"not cancelled: {refusal}")

    def _handle_command(self, command: Command) -> None:
        configuration = self._context.configuration
        if isinstance(configuration, Configuration) and command.name not in configuration.commands:
            self._reply(replies.disabled(command.name))
        elif isinstance(configuration, Configuration):
            self._perform(command, configuration)
        elif isinstance(command, StartRun):
            self._reply(replies.bad_configuration(configuration.problems))
        else:  # a run can be stopped whatever the file contains
            self._perform(command, Configuration())

    def _is_accepted(self) -> bool:
        """Return whether the user has write access and the request was not replied to before."""
        login = self._request.login
        if not (login and self._may_write(login)):
            self._log(f"{login!r} has no write access")
            return False
        if self._has_reply():
            self._log("was replied to before")
            return False
        return True

    def _may_write(self, login: str) -> bool:
        return may_write(self._deps, self._repository, login)

    def _is_withdrawn(self, command: Command) -> bool:
        if not isinstance(command, StartRun | Retry | InvalidCommand):
            return False
        reason = why_stale(self._repository, self._context, self._replies, self._event, self._request)
        if reason:
            self._log(reason)
        return bool(reason)

    def _has_reply(self) -> bool:
        """Return whether there is a reply; if comments cannot be read, none can have been posted."""
        try:
            return bool(self._request.number) and self._replies.is_posted()
        except (Denied, NotFound, Rejected) as error:
            self._log(f"cannot read replies: {error}")
            return False

    def _perform(self, command: Command, configuration: Configuration, title: str = "") -> None:
        match command:
            case InvalidCommand():
                self._reply(replies.mistake(command))
            case StartRun():
                self._submit(command, configuration, title)
            case Status():
                run = self._context.run
                self._reply(replies.status(run, self._position(run)) if run else replies.NO_RUN)
            case Retry(instructions):
                self._request_of_run(partial(self._retry, instructions=instructions))
            case Cancel():
                key, number, moment = self._request.applied_key, self._request.number, self._request.sort_key
                cancel = partial(requests.cancel, key=key, number=number, moment=moment)
                self._request_of_run(cancel, replies.cancel_marker(moment))

    def _submit(self, command: StartRun, configuration: Configuration, title: str) -> None:
        request, event = self._request, self._event
        source = Origin(
            event.repository, request.number, request.login, request.url, event.repository_id, request.sort_key
        )
        try:
            target = self._target(command, title)
            spec = spec_builder.build_spec(command, target, configuration, self._deps.settings)
            answer = acceptance.accept(self._deps, self._caller, spec, Key("comment", request.key), source)
        except spec_builder.SpecError as unclear:
            return self._reply(replies.unclear(command.name, str(unclear)))
        except Refused as refusal:
            return self._refuse_run(refusal)
        except Invalid as invalid:
            return self._reply(replies.refused(str(invalid)))
        return self._acknowledge() if answer.code == 201 else None

    def _refuse_run(self, refusal: Refused) -> None:
        """Reply why no run is started; only log a second delivery, after the configuration has changed."""
        if refusal.code != 422:
            return self._reply(replies.refused(_explain(refusal)))
        has_one = any(run_requests.requested_at(run) == self._request.sort_key for run in self._context.runs_here)
        if self._request.edit and not has_one:
            return self._reply(replies.refused("it ran before this edit; write the new command in a new comment"))
        return self._log(f"a run was started before: {refusal.message}")

    def _target(self, command: StartRun, title: str) -> spec_builder.RequestTarget:
        """Return what the command is about; the issue is read only if neither command nor title names a task."""
        base, issue = self._context.base, None
        if spec_builder.needs_issue(command, title):
            title = dig_text(self._context.issue, "title")
            if spec_builder.needs_issue(command, title):
                issue = self._context.issue_as_task(self._may_write)
        return spec_builder.RequestTarget(self._event.repository, base, title, issue)

    def _request_of_run(self, build_patch: run_requests.PatchBuilder, markers: str = "") -> None:
        run = self._context.run
        if self._context.was_applied:
            return self._log("was applied before")
        if not run:
            return self._reply(replies.NO_RUN, markers)
        try:
            return self._acknowledge() if run_requests.apply(self._deps, run, build_patch) else None
        except Refused as refusal:
            return self._reply(replies.refused(_explain(refusal)), markers)
        except (RequestRefused, Invalid) as refusal:
            return self._reply(replies.refused(str(refusal)), markers)

    def _retry(self, run: Run, instructions: str) -> requests.Patch | None:
        """Return the patch of a retry, which requires the same rights as a new run; stopping a run requires none."""
        key = self._request.key
        if not requests.retry(run, key=key):
            return None  # it was applied before, with the rights of that time
        self._authorize(run)
        texts, keys = self._review
        words = sanitize("\n\n".join([instructions, *texts]).strip(), MAX_INSTRUCTIONS_LENGTH)
        others = [each for each in keys if each != key][: requests.KEPT // 2]
        moment = self._request.sort_key
        return requests.retry(run, key=key, words=words or None, more_keys=others, moment=moment)

    @cached_property
    def _review(self) -> tuple[list[str], list[str]]:
        """The other texts of the review that contains the /retry, and the keys of its requests.

        A /retry in its text is about its comments on lines, which the event lacks. A /retry on a line is about the
        whole review if that requests changes, whose event may arrive later.
        """
        lookup, number = self._lookup(()), self._request.number
        review = self._event.number("review", "id")
        if review:
            comments = lookup.line_comments(number, review)
            lines = [describe_comment(comment) for comment in comments if dig_text(comment, "body")]
            return lines, [lookup.review_key(review), *lookup.retries_in(comments)]
        review = self._event.number("comment", "pull_request_review_id")
        found = lookup.change_request_of(number, review, self._request.login) if review else None
        return ([found.description], [found.key, *found.commands]) if found else ([], [])

    def _authorize(self, run: Run) -> None:
        """Raise Refused if the user may not use the identity that the run works as."""
        if run.spec:
            authentication.authorize(self._deps.settings, self._caller, run.spec)

    def _position(self, run: Run) -> Position | None:
        if states.state(run.status) is not State.WAITING:
            return None
        deps = self._deps
        return position(deps.runs.list_unfinished(cached=True), run, deps.policy.limits, deps.clock())

    def _acknowledge(self) -> None:
        self._log("accepted")
        if self._request.written_at and self._has_room(Share.PROGRESS):
            add_reaction(self._repository, f"{self._request.written_at}/reactions")

    def _reply(self, text: str, markers: str = "") -> None:
        """Post a reply; if GitHub does not accept one there, log that."""
        try:
            if self._request.number:
                self._has_room(Share.END)  # a reply is counted, and posted in any case
                self._replies.post_once(text, markers)
        except (Denied, NotFound, Rejected) as error:
            self._log(f"cannot post a reply: {error}")

    def _has_room(self, share: Share) -> bool:
        deps = self._deps
        return not content_budget.reserve(deps.config_maps, 1, share, deps.clock())

    def _log(self, message: str) -> None:
        log.info("%s", message, extra={"event": self._event.delivery, "key": self._request.key})


def _explain(refusal: Refused) -> str:
    return "; ".join(reason for _, reason in refusal.problems) or refusal.message
