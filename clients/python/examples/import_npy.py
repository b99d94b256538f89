"""Writes the rows of an .npy file into a collection, and goes on where it was stopped:

    import_npy.py HOST:PORT COLLECTION FILE.npy

The file is mapped, never read as a whole. Every part has a request_id that comes from the file's
name and its place: what a run before this one wrote is not written again (for a day).
"""

import pathlib
import sys
import uuid

import kith
import numpy as np

ROWS = 50_000

endpoint, collection, name = sys.argv[1:4]
path = pathlib.Path(name).resolve()
rows = np.load(path, mmap_mode="r")
file_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{path.as_uri()}#{path.stat().st_mtime_ns}")

with kith.Client(endpoint) as client:
    for begin in range(0, len(rows), ROWS):
        part = rows[begin:begin + ROWS]
        client.upsert(collection, range(begin, begin + len(part)), part, priority="import",
                      request_id=uuid.uuid5(file_id, str(begin)))
        print(f"{begin + len(part)} of {len(rows)} rows")
