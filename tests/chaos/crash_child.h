#ifndef KITH_TESTS_CHAOS_CRASH_CHILD_H_
#define KITH_TESTS_CHAOS_CRASH_CHILD_H_

#include <cstdint>
#include <string>

#include "shard/storage/faults.h"

namespace kith::test {

struct ChildOptions {
  std::string directory;
  storage::Faults faults;
  uint64_t cut_after_operations = 0;  // the power goes then; 0: it stays
  // What is synced is remembered there for the next process: this one is killed, and the power goes
  // in a later one. Empty: a kill is all that happens, or the power goes in this process.
  std::string journal;
  uint64_t seed = 0;
  bool write = true;  // false: report what is stored and leave
};

// The process that is killed. Opens the node, reports on stdout what it recovered, sends the last
// requests of its life before again (each must be answered as it was), then writes until it dies,
// reporting each acknowledgement. Lines: "REFUSED why", "STATE lsn truth index",
// "POINT id request", "WRONG why", "READY", "ACK request",
// "UPKEEP moved_rows reclaimed_bytes merges" (of this life), "STOPPED why".
int RunChild(const ChildOptions& options);

}  // namespace kith::test

#endif  // KITH_TESTS_CHAOS_CRASH_CHILD_H_
