"""How to get in to a cluster whose nodes let in only who has a certificate and a password."""

import ssl
from pathlib import Path
from typing import NamedTuple


class Access(NamedTuple):
    """The files, all of them PEM, that nodes and clients need. The user is the one that every new cluster has."""

    authority: Path  # the certificate of who signs all others
    keystore: Path  # the nodes' key and certificate
    certificate: Path  # a client's
    key: Path
    username: str = "cassandra"
    password: str = "cassandra"

    def tls(self) -> ssl.SSLContext:
        """For a client. The nodes' certificates bear no addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context
