#ifndef KITH_TESTS_SUPPORT_HOOKED_ROCKS_FILE_SYSTEM_H_
#define KITH_TESTS_SUPPORT_HOOKED_ROCKS_FILE_SYSTEM_H_

#include <rocksdb/env.h>

#include <memory>

#include "tests/support/disk_hooks.h"

namespace kith::test {

// RocksDB's environment with every change of the disk going through hooks. Its text log is left
// out: nobody reads it back. `hooks` outlives it. Threads: any.
std::unique_ptr<rocksdb::Env> NewHookedRocksEnv(DiskHooks& hooks);

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_HOOKED_ROCKS_FILE_SYSTEM_H_
