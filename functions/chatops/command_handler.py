"""One thing that somebody on GitHub asks for, from permission to answer."""

import logging
from functools import partial

from functions.chatops import run_requests
from functions.chatops.context import CommandContext
from functions.chatops.feedback import retry_after_feedback
from functions.cluster.errors import Invalid
from functions.github.api.answers import Answers, react
from functions.github.api.client import Github
from functions.github.api.errors import Denied, NotFound, Refused
from functions.github.commands import replies, spec_builder
from functions.github.commands.configuration import BadConfiguration, Configuration
from functions.github.commands.parse import Cancel, Command, InvalidCommand, Retry, StartRun, Status
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, MappingTriggered
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
from functions.serving.http import Refused as NotAccepted
from functions.submission import acceptance
from functions.submission.acceptance import Key

log = logging.getLogger("orchestrator")


class CommandHandler:
    """Serves one ask: what it needs is looked up as late as can be, and once."""

    def __init__(self, services: Dependencies, github: Github, happening: WebhookEvent, ask: CommandRequest) -> None:
        self._services, self._happening, self._ask = services, happening, ask
        self._repository = github.repository(happening.repository)
        self._scene = CommandContext(services, self._repository, happening, ask)
        self._caller = authentication.on_github(ask.login)
        app = services.settings.github.app_id
        self._answers = Answers(self._repository, ask.number, ask.key, app, services.clock())

    def serve(self) -> None:
        """Does what is asked for, once per key. Raises GithubError, ClusterError."""
        match self._ask.what:
            case MappingTriggered() as mapped:
                self._serve_mapped(mapped)
            case FeedbackReceived() as found:
                self._serve_feedback(found)
            case command:
                if self._is_served():
                    self._serve(command)

    def _serve_mapped(self, mapped: MappingTriggered) -> None:
        """What is mapped is looked up first: most labels are not, and then it matters to nobody who put them on."""
        found = self._scene.configuration
        if isinstance(found, BadConfiguration):
            return self._log(f"nothing is known to be mapped, as the configuration is bad: {found}")
        command = found.command_for(mapped.by, mapped.name)
        if command and self._is_served():
            self._perform(command, found, mapped.title)
        return None

    def _serve_feedback(self, found: FeedbackReceived) -> None:
        configuration = self._scene.configuration
        if isinstance(configuration, BadConfiguration) or found.source not in configuration.retry_on:
            return self._log(f"a {found.source} starts nothing here")
        if self._ask.login and not self._is_served():
            return None
        run = self._scene.run_of(found.branch)
        answer = self._try_again(run, found) if run else None
        return self._answer(replies.refused(answer)) if answer and found.source == "review" else None

    def _try_again(self, run: Run, found: FeedbackReceived) -> str:
        """Why it was not, in words. Nobody asks for what a failed check starts; a review is somebody's."""
        try:
            if self._ask.login:
                self._permit(run)
        except NotAccepted as refused:
            return _words(refused)
        return retry_after_feedback(self._services, self._repository, run, self._ask, found)

    def _serve(self, command: Command) -> None:
        found = self._scene.configuration
        if isinstance(found, Configuration) and command.word not in found.commands:
            self._answer(replies.disabled(command.word))
        elif isinstance(found, Configuration):
            self._perform(command, found)
        elif isinstance(command, StartRun):
            self._answer(replies.bad_configuration(found.problems))
        else:  # what stops a run must work whatever is in that file
            self._perform(command, Configuration())

    def _is_served(self) -> bool:
        """Whether whoever asks has write access, and was not answered before: what was refused once stays so."""
        login, now = self._ask.login, self._services.clock()
        if not (login and self._services.permissions.may_write(self._repository, login, now)):
            self._log(f"{login!r} asked without write access")
            return False
        if self._was_answered():
            self._log("it was answered before")
            return False
        return True

    def _was_answered(self) -> bool:
        """Where GitHub shows no comments, none was made."""
        try:
            return bool(self._ask.number) and self._answers.given()
        except (Denied, NotFound, Refused) as error:
            self._log(f"nobody knows whether it was answered before: {error}")
            return False

    def _perform(self, command: Command, configuration: Configuration, title: str = "") -> None:
        match command:
            case InvalidCommand():
                self._answer(replies.mistake(command))
            case StartRun():
                self._submit(command, configuration, title)
            case Status():
                run = self._scene.run
                self._answer(replies.status(run, self._position(run)) if run else replies.NO_RUN)
            case Retry(words):
                self._ask_run(partial(self._retry, words=words or None))
            case Cancel():
                self._ask_run(partial(requests.cancel, key=self._ask.key))

    def _submit(self, work: StartRun, configuration: Configuration, title: str) -> None:
        ask, happening = self._ask, self._happening
        place = spec_builder.RequestTarget(happening.repository, self._scene.base, title)
        origin = Origin(happening.repository, ask.number, ask.login, ask.url, happening.repository_id, ask.moment)
        try:
            spec = spec_builder.build_spec(work, place, configuration, self._services.settings)
            answer = acceptance.accept(self._services, self._caller, spec, Key("comment", ask.key), origin)
        except spec_builder.SpecError as unclear:
            return self._answer(replies.unclear(work.word, str(unclear)))
        except NotAccepted as refused:
            if refused.code == 422:  # it came again, and meanwhile the configuration has changed
                return self._log(f"a run was made of it before: {refused.message}")
            return self._answer(replies.refused(_words(refused)))
        except Invalid as invalid:
            return self._answer(replies.refused(str(invalid)))
        return self._taken_up() if answer.code == 201 else None

    def _ask_run(self, ask: run_requests.Asking) -> None:
        run = self._scene.run
        if self._scene.was_done:
            return self._log("it was done before")
        if not run:
            return self._answer(replies.NO_RUN)
        try:
            return self._taken_up() if run_requests.apply(self._services, run, ask) else None
        except NotAccepted as refused:
            return self._answer(replies.refused(_words(refused)))
        except (RequestRefused, Invalid) as refused:
            return self._answer(replies.refused(str(refused)))

    def _retry(self, run: Run, words: str | None) -> requests.Patch | None:
        """A run works again as whom it worked: that takes the same rights as a new one. To stop it takes none."""
        patch = requests.retry(run, key=self._ask.key, words=words)
        if patch:  # else it was done before, by the rights of then
            self._permit(run)
        return patch

    def _permit(self, run: Run) -> None:
        """Raises NotAccepted where the run works as somebody whom the person may not use."""
        if run.spec:
            authentication.authorize(self._services.settings, self._caller, run.spec)

    def _position(self, run: Run) -> Position | None:
        if states.state(run.status) is not State.WAITING:
            return None
        services = self._services
        return position(services.runs.list_unfinished(), run, services.policy.limits, services.clock())

    def _taken_up(self) -> None:
        self._log("taken up")
        if self._ask.reactions:
            react(self._repository, self._ask.reactions)

    def _answer(self, text: str) -> None:
        """Answers where it was asked; where GitHub takes no answer there, the log has to do."""
        try:
            if self._ask.number:
                self._answers.give(text)
        except (Denied, NotFound, Refused) as error:
            self._log(f"no answer could be given: {error}")

    def _log(self, what: str) -> None:
        log.info("%s", what, extra={"event": self._happening.delivery, "key": self._ask.key})


def _words(refused: NotAccepted) -> str:
    return "; ".join(why for _, why in refused.problems) or refused.message
