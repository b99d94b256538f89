#ifndef KITH_TESTS_ASSUMPTIONS_ROCKSDB_PROCESS_H_
#define KITH_TESTS_ASSUMPTIONS_ROCKSDB_PROCESS_H_

#include <string>

namespace kith::test {

// What a process does before it kills itself with SIGKILL, its databases open.
enum class Scenario {
  kLog,             // our log store: entries kEntries of shard 1, all synced, and their HINT
  kLogContinued,    // the same, one entry more after what is there
  kPlainFamilies,   // two families without a WAL, only the first one large
  kAtomicFamilies,  // the same with atomic flush
};

inline constexpr int kEntries = 100;
inline constexpr int kFamilyBatches = 2000;

// Runs it in a process of its own (started anew, not forked: RocksDB's threads do not survive a
// fork) and waits for its death. False where it did not die as it should.
bool RunAndKill(Scenario scenario, const std::string& directory);

}  // namespace kith::test

#endif  // KITH_TESTS_ASSUMPTIONS_ROCKSDB_PROCESS_H_
