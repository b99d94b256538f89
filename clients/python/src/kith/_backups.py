"""Flows of the Backups service."""

from dataclasses import dataclass

from kith import _methods
from kith._collections import Collections
from kith._flow import Flow
from kith.options import BackupOptions, CallOptions, RestoreOptions
from kith.v1 import backups_pb2, operations_pb2


@dataclass(frozen=True)
class Backups:
    collections: Collections

    def create(self, backup: str, options: BackupOptions) -> Flow[operations_pb2.Operation]:
        request = backups_pb2.CreateBackupRequest(backup=backup,
                                                  collections=options.get("collections", ()))
        return (yield from self.collections.ask(_methods.CREATE_BACKUP, request, options,
                                                BackupOptions))

    def all(self, options: CallOptions) -> Flow[tuple[backups_pb2.Backup, ...]]:
        request = backups_pb2.ListBackupsRequest()
        answer = yield from self.collections.ask(_methods.LIST_BACKUPS, request, options)
        return tuple(answer.backups)

    def verify(self, backup: str, options: CallOptions) -> Flow[operations_pb2.Operation]:
        request = backups_pb2.BackupTarget(backup=backup)
        return (yield from self.collections.ask(_methods.VERIFY_BACKUP, request, options))

    def restore(self, backup: str, collection: str,
                options: RestoreOptions) -> Flow[operations_pb2.Operation]:
        request = backups_pb2.RestoreBackupRequest(backup=backup, collection=collection,
                                                   target=options.get("target", ""))
        self.collections.forget(request.target or collection)
        return (yield from self.collections.ask(_methods.RESTORE_BACKUP, request, options,
                                                RestoreOptions))

    def delete(self, backup: str, options: CallOptions) -> Flow[None]:
        request = backups_pb2.BackupTarget(backup=backup)
        yield from self.collections.ask(_methods.DELETE_BACKUP, request, options)
