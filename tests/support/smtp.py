"""A mail server for tests: real SMTP on loopback, with STARTTLS, whose answers a test sets."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.clock import system_clock


@dataclass
class MailServer:
    """What it took; and what it answers to a verb instead of its own, by verb."""

    certificate: Path
    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


_OWN = {
    "EHLO": "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "STARTTLS": "220 go on",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    """A server of its own, until the block ends."""
    state = MailServer(folder / "mail.pem")
    _write_certificate(state.certificate)

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline():
                state.heard.append(line.decode().strip())
                verb = state.heard[-1].partition(" ")[0].upper()
                said = state.answers.get(verb, _OWN.get(verb, "250 yes"))
                self._say(said)
                if verb == "STARTTLS" and not self._secure():
                    return
                if verb == "DATA" and said.startswith("354"):
                    self._take()
                if verb == "QUIT":
                    return

        def _say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def _secure(self) -> bool:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(state.certificate)
            try:
                self.request = context.wrap_socket(self.request, server_side=True)
            except (ssl.SSLError, OSError):
                return False  # the other end did not trust the certificate
            self.setup()
            return True

        def _take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            state.taken.append(message_from_bytes(b"".join(lines), policy=default))
            self._say(state.answers.get("END", "250 taken"))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def _write_certificate(path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), system_clock()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
