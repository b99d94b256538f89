"""Write tokens, on their way in and out."""

from collections.abc import Iterable, Sequence

from kith.results import WriteToken, newest
from kith.v1 import types_pb2


def tokens_from(messages: Sequence[types_pb2.WriteToken]) -> tuple[WriteToken, ...]:
    return tuple(WriteToken(one.shard, one.epoch, one.lsn) for one in messages)


def tokens_to(tokens: Iterable[WriteToken]) -> list[types_pb2.WriteToken]:
    return [types_pb2.WriteToken(shard=one.shard, epoch=one.epoch, lsn=one.lsn)
            for one in newest(tokens)]
