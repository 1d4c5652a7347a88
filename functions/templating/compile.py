"""Compile every template ahead of time: `python -m functions.templating.compile [DIRECTORY]`.

An image runs this at build, for the directory that its functions read. Without it each process compiles the templates
that it uses.
"""

import sys
from pathlib import Path

from jinja2 import FileSystemBytecodeCache, TemplateSyntaxError

from functions.settings.model import TEMPLATES
from functions.templating.engine import COMPILED, create_environment
from functions.templating.search_path import SUFFIX


def compile_templates(templates: Path) -> int:
    """Write the bytecode of all templates in the directory, and return how many there are.

    Raises:
        TemplateSyntaxError: a template is malformed.
    """
    folder = templates / COMPILED
    folder.mkdir(exist_ok=True)
    environment = create_environment(templates, FileSystemBytecodeCache(str(folder)))
    names = environment.list_templates(extensions=[SUFFIX.removeprefix(".")])
    for name in names:
        environment.get_template(name)
    return len(names)


def main() -> None:
    """Compile the templates of the directory on the command line, or those of this project."""
    templates = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else TEMPLATES
    try:
        print(f"{compile_templates(templates)} templates compiled in {templates}")
    except TemplateSyntaxError as error:
        sys.exit(f"template {error.name}, line {error.lineno}: {error.message}")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
