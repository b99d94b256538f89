"""Keys and certificates: what a server is told and asked for."""

import os
import pathlib
import re
from dataclasses import dataclass, field

_LOOPBACK = re.compile(r"^(localhost|127\.[0-9.]+|\[::1\]):\d+$")
_SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs where the server has keys or certificates (docs/security.md).

    api_key            the key, "kith_ID_..."; None: none is sent
    ca                 PEM of the authorities whose certificates are believed; None: plain text,
                       "system": those of the machine, over TLS
    certificate        PEM of this client's own certificate, where the server asks for one,
    private_key        and of its private key
    key_in_clear       send the key to another machine without TLS. On a network that is not
                       trusted itself, everyone who hears it has it

    A key in a program's text ends up where programs end up: from_environment() takes it from a
    variable or a file.
    """

    api_key: str | None = field(default=None, repr=False)
    ca: str | None = None
    certificate: str | None = None
    private_key: str | None = field(default=None, repr=False)
    key_in_clear: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.certificate is not None and self.ca is None:
            raise ValueError('a certificate needs TLS: set ca, "system" for the machine\'s own')

    @classmethod
    def from_environment(cls) -> "Credentials":
        """As the command `kith` reads them: KITH_API_KEY_FILE or KITH_API_KEY, KITH_TLS_CA_FILE (or
        `system`), KITH_TLS_CERTIFICATE_FILE, KITH_TLS_KEY_FILE, KITH_KEY_IN_CLEAR=yes."""
        key, file = os.environ.get("KITH_API_KEY"), os.environ.get("KITH_API_KEY_FILE")
        if key and file:
            raise ValueError("KITH_API_KEY and KITH_API_KEY_FILE are both set: set one")
        if file:
            key = pathlib.Path(file).read_text(encoding="utf-8")
        authorities = os.environ.get("KITH_TLS_CA_FILE")
        return cls(api_key=(key or "").strip() or None,
                   ca=_SYSTEM if authorities == _SYSTEM else _pem("KITH_TLS_CA_FILE"),
                   certificate=_pem("KITH_TLS_CERTIFICATE_FILE"),
                   private_key=_pem("KITH_TLS_KEY_FILE"),
                   key_in_clear=os.environ.get("KITH_KEY_IN_CLEAR") == "yes")

    def metadata_for(self, endpoint: str) -> tuple[tuple[str, str], ...]:
        """What each call carries. ValueError where the key would be heard by others."""
        if self.api_key is None:
            return ()
        if self.ca is None and not self.key_in_clear and not _LOOPBACK.match(endpoint):
            raise ValueError(f"the key would go to {endpoint} in the clear: set ca to speak TLS, "
                             "or key_in_clear where the network itself is trusted")
        return (("authorization", f"Bearer {self.api_key}"),)


def _pem(variable: str) -> str | None:
    path = os.environ.get(variable)
    return pathlib.Path(path).read_text(encoding="utf-8") if path else None
