"""Writes a few points and finds their neighbours: first_search.py [HOST:PORT]"""

import sys

import kith
import numpy as np

endpoint = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7430"
vectors = np.random.default_rng(0).standard_normal((1000, 16), dtype=np.float32)

with kith.Client(endpoint) as client:
    client.create_collection("first", 16, "l2", "f32")
    try:
        written = client.upsert("first", range(len(vectors)), vectors)
        result = client.search("first", vectors[42], limit=3, tokens=written.tokens)
        for hit in result.hits:
            print(hit.id, hit.score)
    finally:
        client.delete_collection("first")
