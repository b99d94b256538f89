import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kith
from awaited import AwaitedClient
from kithd_process import Server

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def kithd() -> str:
    """The path of the server; CTest says which."""
    build = pathlib.Path(os.environ.get("KITH_BUILD_DIR", ROOT / "build" / "release"))
    path = pathlib.Path(os.environ.setdefault("KITHD", str(build / "bin" / "kithd")))
    if not path.is_file():
        pytest.skip(f"no kithd at {path}: scripts/build.sh makes it, KITHD names another")
    return str(path)


@pytest.fixture(scope="session")
def start(kithd: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts a kithd over a folder; at an address of its own, unless that is named."""
    started: list[Server] = []

    def start(folder: pathlib.Path | None = None, listen: str = "127.0.0.1:0") -> Server:
        where = folder or tmp_path_factory.mktemp("kithd")
        (where / "store").mkdir(exist_ok=True)
        server = Server(where, "--listen", listen, "--data", str(where / "data"),
                        environment={"KITH__BACKUP__DIRECTORY": str(where / "store")})
        started.append(server)
        return server.await_ready()

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def endpoint(start: Callable[..., Server]) -> str:
    """Of one server for all tests; each makes a collection of its own."""
    return start().grpc


def _over(make: Callable[[str], Any], endpoint: str) -> Iterator[Any]:
    client = make(endpoint)
    yield client
    for collection in client.list_collections():
        client.delete_collection(collection.collection)
    client.close()


@pytest.fixture
def client(endpoint: str) -> Iterator[Any]:
    yield from _over(kith.Client, endpoint)


@pytest.fixture(params=[kith.Client, AwaitedClient], ids=["threads", "asyncio"])
def either(request: pytest.FixtureRequest, endpoint: str) -> Iterator[Any]:
    """Both clients, for what the unit tests cannot show of the one by the other."""
    yield from _over(request.param, endpoint)
