"""Files with Google Cloud credentials, as its tools write them."""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.google_cloud import GoogleCloud


def key_file(folder: Path, cloud: GoogleCloud) -> Path:
    """Write a service account's key file."""
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    whole = {"type": "service_account", "client_email": "me@proj-one.test", "private_key": private}
    return written(folder, whole | {"token_uri": f"{cloud.url}/token", "project_id": "proj-one"})


def federation_file(folder: Path, cloud: GoogleCloud) -> Path:
    """Write a file like that of `gcloud iam workload-identity-pools create-cred-config`."""
    (folder / "subject").write_text("a token of another identity provider")
    return written(
        folder,
        {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{cloud.url}/sts",
            "credential_source": {"file": str(folder / "subject")},
        },
    )


def user_file(folder: Path, cloud: GoogleCloud) -> Path:
    """Write a file like that of `gcloud auth application-default login`."""
    whole = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    return written(folder, whole | {"token_uri": f"{cloud.url}/token"})


def written(folder: Path, content: Any) -> Path:
    file = folder / "credentials.json"
    file.write_text(json.dumps(content))
    return file
