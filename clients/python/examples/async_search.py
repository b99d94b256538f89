"""Many searches at a time from one thread: async_search.py [HOST:PORT]"""

import asyncio
import sys

import kith
import numpy as np


async def main(endpoint: str) -> None:
    vectors = np.random.default_rng(0).standard_normal((1000, 16), dtype=np.float32)
    async with kith.AsyncClient(endpoint) as client:
        await client.create_collection("async", 16, "cosine", "f32")
        try:
            written = await client.upsert("async", range(len(vectors)), vectors)
            searches = [client.search("async", vector, limit=1, tokens=written.tokens)
                        for vector in vectors[:100]]
            results = await asyncio.gather(*searches)
            found = sum(result.hits[0].id == place for place, result in enumerate(results))
            print(f"{found} of {len(results)} found themselves")
        finally:
            await client.delete_collection("async")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7430"))
