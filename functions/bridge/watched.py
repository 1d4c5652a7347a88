"""What the bridge watches: the kinds the functions decide by, each with the topic its changes go to."""

from collections.abc import Mapping

from functions.cluster.kinds import CODE_RUN, DOCS_RUN, JOB, Kind
from functions.queues.topology import TOPIC_OF_KIND

WATCHED: Mapping[Kind, str] = {kind: TOPIC_OF_KIND[kind.name] for kind in (DOCS_RUN, CODE_RUN, JOB)}
