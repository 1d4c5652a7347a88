"""Schemas with the types of those fields of built-in kinds that this server reads.

The real server decodes into Go structures, rejects values of the wrong type and drops unknown fields. This server
does the same with schemas like those of custom kinds. The schemas name all top-level fields; nested fields that they
do not name are kept unchanged.
"""

from functions.local.apiserver.errors import Obj

STRING: Obj = {"type": "string"}
INTEGER: Obj = {"type": "integer"}
BOOLEAN: Obj = {"type": "boolean"}


def fields(**properties: Obj) -> Obj:
    """Return the schema of an object with these fields and any others."""
    return {"type": "object", "properties": properties}


def list_of(items: Obj) -> Obj:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def map_of(values: Obj) -> Obj:
    """Return the schema of a map with string keys."""
    return {"type": "object", "additionalProperties": values}


CONTAINER = fields(
    name=STRING,
    image=STRING,
    command=list_of(STRING),
    args=list_of(STRING),
    workingDir=STRING,
    env=list_of(fields(name=STRING, value=STRING, valueFrom=fields())),
    envFrom=list_of(fields(prefix=STRING)),
    volumeMounts=list_of(fields(name=STRING, mountPath=STRING, subPath=STRING, readOnly=BOOLEAN)),
    resources=fields(),
)
POD_SPEC = fields(
    containers=list_of(CONTAINER),
    initContainers=list_of(CONTAINER),
    volumes=list_of(fields(name=STRING)),
    restartPolicy=STRING,
    nodeName=STRING,
    serviceAccountName=STRING,
    activeDeadlineSeconds=INTEGER,
    terminationGracePeriodSeconds=INTEGER,
)
CONDITIONS = list_of(fields(type=STRING, status=STRING, reason=STRING, message=STRING))
POD = fields(
    spec=POD_SPEC,
    status=fields(
        phase=STRING,
        reason=STRING,
        message=STRING,
        conditions=CONDITIONS,
        containerStatuses=list_of(fields(name=STRING, ready=BOOLEAN, restartCount=INTEGER, state=fields())),
    ),
)
JOB = fields(
    spec=fields(
        parallelism=INTEGER,
        completions=INTEGER,
        activeDeadlineSeconds=INTEGER,
        backoffLimit=INTEGER,
        ttlSecondsAfterFinished=INTEGER,
        suspend=BOOLEAN,
        manualSelector=BOOLEAN,
        selector=fields(matchLabels=map_of(STRING)),
        template=fields(metadata=fields(labels=map_of(STRING), annotations=map_of(STRING)), spec=POD_SPEC),
    ),
    status=fields(active=INTEGER, succeeded=INTEGER, failed=INTEGER, conditions=CONDITIONS),
)
CONFIG_MAP = fields(data=map_of(STRING), binaryData=map_of(STRING), immutable=BOOLEAN)
SECRET = fields(data=map_of(STRING), stringData=map_of(STRING), type=STRING, immutable=BOOLEAN)
CLAIM = fields(
    spec=fields(
        accessModes=list_of(STRING),
        resources=fields(requests=map_of({"x-kubernetes-int-or-string": True})),
        storageClassName=STRING,
        volumeMode=STRING,
        volumeName=STRING,
    ),
    status=fields(phase=STRING, accessModes=list_of(STRING), capacity=fields()),
)
DELETE_OPTIONS = fields(
    kind=STRING,
    propagationPolicy=STRING,
    gracePeriodSeconds=INTEGER,
    preconditions=fields(uid=STRING, resourceVersion=STRING),
    dryRun=list_of(STRING),
)
EVENT = fields(
    involvedObject=fields(kind=STRING, namespace=STRING, name=STRING, uid=STRING),
    reason=STRING,
    message=STRING,
    type=STRING,
    source=fields(component=STRING),
    count=INTEGER,
    firstTimestamp=STRING,
    lastTimestamp=STRING,
    eventTime=STRING,
    series=fields(count=INTEGER, lastObservedTime=STRING),
    action=STRING,
    related=fields(),
    reportingComponent=STRING,
    reportingInstance=STRING,
)
NAMESPACE = fields(spec=fields(), status=fields())
