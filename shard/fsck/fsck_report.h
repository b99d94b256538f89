#ifndef KITH_SHARD_FSCK_FSCK_REPORT_H_
#define KITH_SHARD_FSCK_FSCK_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kith::fsck {

// What mends a finding.
enum class Remedy : uint8_t {
  kStart,    // the next start does by itself: it can be made again from the truth
  kRepair,   // `kith fsck --repair`, which takes it out of the way of the next start
  kRestore,  // somebody who has a copy: it is truth, or nothing else has it
};

struct Finding {
  std::string path;  // the file, or the directory of the database it is in
  std::string what;  // is wrong
  Remedy remedy = Remedy::kRestore;
  std::string advice;  // what to do, in words
};

struct Report {
  std::vector<Finding> findings;
  std::vector<std::string> repaired;  // what was done
  uint64_t shards = 0;                // that could be read
  uint64_t points = 0;                // live ones in them

  void Add(Finding finding) { findings.push_back(std::move(finding)); }
  bool NeedsRestore() const {
    for (const Finding& finding : findings) {
      if (finding.remedy == Remedy::kRestore) return true;
    }
    return false;
  }
};

}  // namespace kith::fsck

#endif  // KITH_SHARD_FSCK_FSCK_REPORT_H_
