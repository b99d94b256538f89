#ifndef KITH_TESTS_SUPPORT_POWERCUT_FILE_SYSTEM_H_
#define KITH_TESTS_SUPPORT_POWERCUT_FILE_SYSTEM_H_

#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "tests/support/disk_hooks.h"
#include "tests/support/hooked_file_system.h"

namespace kith::test {

struct PowerCutOptions {
  enum class AtCut {
    kFail,  // every further change answers EIO; close the stores and open them again elsewhere
    kExit,  // the process ends at once with code 137
  };
  std::string root;  // the directory that loses power; "{root}.powercut" beside it is used too
  uint64_t seed = 1;
  uint64_t cut_after_operations = 0;  // 0: only by Cut()
  AtCut at_cut = AtCut::kFail;
  // A torn tail may hold bytes that were never written. Journalling file systems write data before
  // the size that makes it visible, so this is beyond what ext4 and XFS allow.
  bool garbage_in_tails = false;
  // A file that remembers which bytes are synced, so that the next process still knows after this
  // one was killed: a kill leaves the page cache alone, and the power may go later. Empty: none.
  std::string journal;
  // What a sync takes, so that a kill can come between a write and its sync.
  std::chrono::microseconds sync_time{0};
};

// A disk that forgets what was not synced when the power goes. Changes go to the real files at once
// (so reads see them) without a real sync; the cut then rewrites the files to one of the states
// that a real disk could have kept:
//   - a file keeps its synced bytes and a random part of the rest;
//   - of a directory's unsynced creations, renames and removals a random first part stays, the
//     others are undone;
//   - of a mapped file's pages changed since its last sync each is old, new, torn, zeroed or
//   garbage.
// What was there before this object was made counts as synced, save what the journal says of the
// contents of files (of names it says nothing).
//
// Threads: any.
class PowerCut final : public DiskHooks {
 public:
  explicit PowerCut(const PowerCutOptions& options);
  ~PowerCut() override;

  storage::FileSystem& files() { return files_; }
  void Cut();
  bool is_cut() const;
  uint64_t operations() const;  // changes made so far

  int Run(const DiskCall& call, const RealOperation& real) override;

 private:
  struct File {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool is_mapped = false;
    std::string image;  // of a mapped file, as of its last sync
  };
  // A change of a directory that is not synced yet. `saved` is where the overwritten or removed
  // file waits for being put back; empty: there was none.
  struct NameChange {
    enum class Kind { kMade, kRenamed, kRemoved, kRemovedDirectory };
    Kind kind = Kind::kMade;
    std::string path;
    std::string target;
    std::string saved;
  };

  int Apply(const DiskCall& call, const RealOperation& real);
  int CreateFile(const std::string& path, const RealOperation& real);
  int Map(const DiskCall& call, const RealOperation& real);
  int Rename(const std::string& from, const std::string& to, const RealOperation& real);
  int Remove(const std::string& path);
  void CommitNames(const std::string& directory);
  File& Track(const std::string& path);
  std::string SetAside(const std::string& path);
  void MoveRecords(const std::string& from, const std::string& to);
  void AddChange(const std::string& path, NameChange change);
  void ReadJournal();
  void Note(const DiskCall& call, uint64_t synced);

  void CutLocked();
  void CutFile(const std::string& path, const File& file);
  void CutTail(const std::string& path, const File& file);
  void CutPages(const std::string& path, const File& file);
  std::string PageAfterCut(std::string_view before, std::string_view now);
  void Undo(const NameChange& change);
  uint64_t Random(uint64_t below);

  const PowerCutOptions options_;
  const std::string aside_;

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<std::string, File> tracked_;
  std::map<std::string, std::vector<NameChange>> changes_;  // by directory
  uint64_t operations_ = 0;
  uint64_t set_aside_ = 0;
  bool is_cut_ = false;
  std::ofstream journal_;

  HookedFileSystem files_;
};

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_POWERCUT_FILE_SYSTEM_H_
