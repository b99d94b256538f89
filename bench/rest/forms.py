#!/usr/bin/env python3
"""What the two forms of a vector cost over REST: the same calls with numbers and with base64, in turns
over one connection to a running kithd. Prints the median of each in milliseconds and their ratio.

    bench/rest/forms.py [--http 127.0.0.1:7431] [--dimension 128] [--points 1000] [--rounds 30]
"""

import argparse
import base64
import http.client
import json
import random
import statistics
import struct
import time

COLLECTION = "rest-forms"


class Caller:
    def __init__(self, address: str):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def call(self, verb: str, path: str, body: bytes | None = None) -> tuple[float, dict]:
        headers = {"Content-Type": "application/json", "Kith-Timeout": "60s"}
        begin = time.perf_counter()
        self.connection.request(verb, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - begin
        if answer.status != 200:
            raise SystemExit(f"{verb} {path}: {answer.status} {text.decode()}")
        return took, json.loads(text)


def base64_of(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def compare(caller: Caller, line: tuple[str, str], bodies: dict[str, bytes], rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in bodies}
    for _ in range(rounds):
        for name, body in bodies.items():
            times[name].append(caller.call(*line, body)[0])
    medians = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    sizes = ", ".join(f"{name} {medians[name]:.2f} ms of {len(body):,} bytes"
                      for name, body in bodies.items())
    print(f"{line[1].rsplit('/', 1)[1]}: {sizes}; ratio {medians['numbers'] / medians['base64']:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", default="127.0.0.1:7431")
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=30)
    wanted = parser.parse_args()
    chance = random.Random(1)
    vectors = [[struct.unpack("<f", struct.pack("<f", chance.gauss(0, 1)))[0]
                for _ in range(wanted.dimension)] for _ in range(wanted.points)]
    caller = Caller(wanted.http)
    caller.call("POST", "/v1/collections", json.dumps({
        "collection": COLLECTION, "dimension": wanted.dimension, "metric": "METRIC_L2",
        "elementType": "ELEMENT_TYPE_F32"}).encode())
    points = f"/v1/collections/{COLLECTION}/points"
    try:
        forms = {"numbers": lambda vector: {"values": vector},
                 "base64": lambda vector: {"data": base64_of(vector)}}
        compare(caller, ("PUT", points), {name: json.dumps({"points": [
            {"id": {"number": i}, "vector": form(vector)} for i, vector in enumerate(vectors)]})
            .encode() for name, form in forms.items()}, wanted.rounds)
        compare(caller, ("POST", points + ":search"), {name: json.dumps(
            {"vector": form(vectors[0])}).encode() for name, form in forms.items()},
            10 * wanted.rounds)
    finally:
        caller.call("DELETE", f"/v1/collections/{COLLECTION}")


if __name__ == "__main__":
    main()
