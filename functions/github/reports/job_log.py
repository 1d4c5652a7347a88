"""The end of a GitHub Actions job's log, for the prompt of a retry: plain lines up to the error, without secrets. Pure.

GitHub masks the secrets that it knows. What looks like one all the same is replaced here, because the prompt is kept
on the run.
"""

import re

from functions.github.json_fields import dig_text

MAX_BYTES = 256 * 1024
"""Bytes of a log's end that are read; enough for MAX_LENGTH characters before the last error of most jobs."""

MAX_LENGTH = 6000
"""Characters that reach the prompt."""

REDACTED = "[redacted]"

_JOB = re.compile(r"/actions/runs/[0-9]+/job/([0-9]{1,18})(?:[/?#]|$)")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIME = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ?", re.MULTILINE)
_ERROR = "##[error]"

_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL)
_REST_OF_KEY = re.compile(r"\A(?:(?!-----BEGIN).)*-----END [A-Z ]{0,30}PRIVATE KEY-----", re.DOTALL)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[\w.-]{16,}|github_pat_\w{20,}|glpat-[\w-]{20,}|npm_\w{30,}|sk-[\w-]{20,}|xox[abposr]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+)"
)
"""Tokens by their looks: GitHub, GitLab, npm, OpenAI and Anthropic, Slack, AWS, Google, JSON web tokens."""
_AFTER_NAME = re.compile(
    r"(://[^\s/:@]{0,100}:)[^\s/@]{1,300}(?=@)"
    r"|((?i:authorization: ?(?:basic |bearer |token )?))\S+"
    r"|(\b[A-Z0-9_]{0,40}(?:PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIALS?)[A-Z0-9_]{0,40} ?[=:] ?[\"']?)[^\s\"']{6,}"
    r"|((?i:\b[\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key))=[\"']?)[^\s\"'&]{6,}"
)
"""Values behind a name that says what they are: in URLs, headers, variables and parameters."""


def job_of(check: object) -> int:
    """Return the id of the Actions job that a check run stands for; 0 if it is not one of Actions."""
    if dig_text(check, "app", "slug") != "github-actions":
        return 0
    match = _JOB.search(dig_text(check, "details_url")) or _JOB.search(dig_text(check, "html_url"))
    return int(match[1]) if match else 0


def excerpt(log: str) -> str:
    """Return the last lines of a log up to its last error; `log` may begin within a line."""
    text = _TIME.sub("", _ESCAPE.sub("", log.replace("\r\n", "\n")))
    error = text.rfind(_ERROR)
    end = text.find("\n", error) if error >= 0 else -1
    text = redact(text[:end] if end >= 0 else text).rstrip()
    if len(text) <= MAX_LENGTH:
        return text
    cut = text[-MAX_LENGTH:]
    return cut.partition("\n")[2] or cut


def redact(text: str) -> str:
    """Return the text with what looks like a secret replaced."""
    text = _REST_OF_KEY.sub(REDACTED, _KEY.sub(REDACTED, text))
    return _AFTER_NAME.sub(
        lambda match: f"{''.join(filter(None, match.groups()))}{REDACTED}", _TOKENS.sub(REDACTED, text)
    )
