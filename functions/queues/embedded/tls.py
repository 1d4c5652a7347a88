"""Whom the system trusts, read no sooner than needed: reading all its certificates takes 30 ms of the first request.

OpenSSL finds the one it needs in a folder that has them by the hash of their names, as most systems keep them. What
is trusted comes to the same: where the folder does not do, the file with all of them is read too.
"""

import os
import ssl
from functools import cached_property


class Trust:
    """The system's certificates; SSL_CERT_FILE and SSL_CERT_DIR are honoured."""

    def __init__(self, where: ssl.DefaultVerifyPaths | None = None) -> None:
        """`where` they are, in place of where the system has them."""
        self._where = where or ssl.get_default_verify_paths()
        self._file_is_named = self._where.openssl_cafile_env in os.environ
        self.completed = False
        """Whether all there is was read."""

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What connections are made with."""
        return ssl.create_default_context(capath=None if self._file_is_named else self._where.capath)

    def complete(self) -> None:
        """Reads the rest; who was not trusted may be from then on."""
        if self._where.cafile:
            self.context.load_verify_locations(self._where.cafile)
        self.completed = True
