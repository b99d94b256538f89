"""Keys and certificates of the clients, without a server that asks for them."""

import pathlib
from typing import Any

import pytest

import fake_server
import kith
from awaited import AwaitedClient
from kith import _methods

KEY = "kith_app_" + 64 * "a"
BOTH = pytest.mark.parametrize("make", [kith.Client, AwaitedClient], ids=["threads", "asyncio"])


def sent_by(client: Any, server: fake_server.FakeServer) -> dict[str, str]:
    client.get_collection("c")
    client.close()
    return server.asked[_methods.GET_COLLECTION.path][-1].metadata


@BOTH
def test_every_call_carries_the_key(make: Any, server: fake_server.FakeServer) -> None:
    client = make(server.endpoint, credentials=kith.Credentials(api_key=KEY))
    assert sent_by(client, server)["authorization"] == f"Bearer {KEY}"


@BOTH
def test_without_a_key_none_is_sent(make: Any, server: fake_server.FakeServer) -> None:
    assert "authorization" not in sent_by(make(server.endpoint), server)


@BOTH
def test_the_environment_names_a_key_or_its_file(make: Any, server: fake_server.FakeServer,
                                                 monkeypatch: pytest.MonkeyPatch,
                                                 tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("KITH_API_KEY", KEY)
    assert sent_by(make(server.endpoint), server)["authorization"] == f"Bearer {KEY}"
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("KITH_API_KEY_FILE", str(file))
    with pytest.raises(ValueError, match="both set"):
        make(server.endpoint)
    monkeypatch.delenv("KITH_API_KEY")
    assert sent_by(make(server.endpoint), server)["authorization"] == f"Bearer {KEY}"


@BOTH
def test_a_key_does_not_leave_the_machine_in_the_clear_unless_that_is_said(make: Any) -> None:
    with pytest.raises(ValueError, match="in the clear"):
        make("10.0.0.1:7430", credentials=kith.Credentials(api_key=KEY))
    with pytest.raises(ValueError, match="in the clear"):
        make("127.0.0.1.example:7430", credentials=kith.Credentials(api_key=KEY))
    for said in ({"key_in_clear": True}, {"ca": "system"}):
        make("10.0.0.1:7430", credentials=kith.Credentials(api_key=KEY, **said)).close()


def test_a_key_is_not_shown() -> None:
    shown = repr(kith.Credentials(api_key=KEY, ca="system", certificate="c", private_key="secret"))
    assert KEY not in shown
    assert "secret" not in shown


def test_certificates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        kith.Credentials(ca="system", certificate="c")
    with pytest.raises(ValueError, match="needs TLS"):
        kith.Credentials(certificate="c", private_key="k")
