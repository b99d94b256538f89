"""What benches look at beside the answers: a server's metrics and its bytes on disk."""

import http.client
import os
import pathlib


def metrics_of(address: str) -> dict[str, float]:
    """Every sample of /metrics at host:port, by its name and labels as they stand there."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples if name}


def directory_bytes(folder: pathlib.Path) -> int:
    """Bytes on disk of everything under a folder; what vanishes meanwhile counts as nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except OSError:
                pass
    return total
