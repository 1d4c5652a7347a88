"""Open the console, the web page of runs, with your own Kubernetes rights.

It is served on this machine until Ctrl-C, and shows, retries and cancels what you may. Other users of this machine can
open it too while it runs, as with kubectl proxy.
"""

import sys
import webbrowser

import click

from functions.clients.errors import CommandError
from functions.clients.options import port_option
from functions.clients.output import say
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import with_target_options
from functions.console.context import Console
from functions.console.local_access import LocalAccess
from functions.console.server import STREAMS, ConsoleServer, PortError
from functions.console.streams import StreamSlots

PORT = 8880


@click.command(help=__doc__)
@port_option(PORT, "Port on 127.0.0.1; 0 takes a free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@with_target_options
def command(target: ClusterTarget, port: int, no_browser: bool) -> None:
    """Serve the console until interrupted."""
    console = Console(target.cluster, target.namespace, LocalAccess(), StreamSlots(STREAMS))
    try:
        server = ConsoleServer(console, port)
    except PortError as error:
        raise CommandError(f"--port: cannot listen on port {port}: {error}; 0 takes a free one") from error
    print(server.url, flush=True)
    say(f"runs of namespace {target.namespace}; Ctrl-C ends it")
    if not no_browser and sys.stdout.isatty():
        webbrowser.open(server.url)
    server.serve()
