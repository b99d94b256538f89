"""Both clients with a key, over TLS, against kithd."""

import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import kith
from awaited import AwaitedClient
from kithd_process import Server
from security_test import Authority, tls

BOTH = pytest.mark.parametrize("make", [kith.Client, AwaitedClient], ids=["threads", "asyncio"])


def key_line(name: str, scopes: str, secret: str) -> str:
    """A line of a file of keys, as `kith key create` writes it."""
    salt = bytes(16)
    hashed = subprocess.run(["sha256sum"], input=salt + secret.encode(), capture_output=True,
                            check=True).stdout.split()[0].decode()
    return f'{{"id":"{name}","salt":"{salt.hex()}","hash":"{hashed}",{scopes}}}\n'


@pytest.fixture(scope="module")
def guarded(kithd: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server with keys and a certificate: its address, and the authority's certificate."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder, "ca")
    keys = folder / "keys"
    keys.write_text(key_line("boss", '"admin":["*"]', 64 * "a")
                    + key_line("reader", '"read":["c"]', 64 * "b"), encoding="utf-8")
    keys.chmod(0o600)
    server = Server(folder, "--listen", "127.0.0.1:0", "--data", str(folder / "data"),
                    environment={"KITH__AUTH__KEYS_FILE": str(keys),
                                 **tls("GRPC", authority.sign("server"))})
    yield server.await_ready().grpc, authority.ca.read_text(encoding="utf-8")
    server.kill()


@BOTH
def test_a_key_does_what_it_may_and_nothing_else(make: Any, guarded: tuple[str, str]) -> None:
    endpoint, authority = guarded

    def client(key: str | None) -> Any:
        return make(endpoint, credentials=kith.Credentials(api_key=key, ca=authority))

    boss, reader = client("kith_boss_" + 64 * "a"), client("kith_reader_" + 64 * "b")
    nobody = client(None)
    boss.create_collection("c", 2, "l2", "f32")
    boss.upsert("c", [1], [[0.0, 1.0]])
    assert reader.count_points("c") == 1
    with pytest.raises(kith.PermissionDenied) as refused:
        reader.upsert("c", [2], [[0.0, 1.0]])
    assert refused.value.reason == "KEY_READ_ONLY"
    with pytest.raises(kith.Unauthenticated) as stranger:
        nobody.count_points("c")
    assert stranger.value.reason == "KEY_REQUIRED"
    boss.delete_collection("c")
    for one in (boss, reader, nobody):
        one.close()


@BOTH
def test_a_server_of_another_authority_is_not_believed(make: Any, guarded: tuple[str, str],
                                                       tmp_path: pathlib.Path) -> None:
    other = Authority(tmp_path, "other").ca.read_text(encoding="utf-8")
    client = make(guarded[0], credentials=kith.Credentials(ca=other))
    with pytest.raises(kith.Unavailable):
        client.list_collections(timeout_s=2)
    client.close()
