// What remains after the cut; the bookkeeping before it is in powercut_file_system.cc.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/support/powercut_file_system.h"

namespace kith::test {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPage = 4096;
constexpr size_t kSector = 512;
constexpr int kKilled = 137;

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

// As a new file under the old name: who still has the old one open or mapped (a store that closes
// after the cut, and trims its files as it does) changes nothing any more.
void Replace(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".cut";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) std::abort();  // a simulation that cannot write has nothing to simulate with
  fs::rename(beside, path);
}

}  // namespace

uint64_t PowerCut::Random(uint64_t below) { return random_() % below; }

// Contents first, while every file is still where its record says; then names, outer directories
// before inner ones, because an undone directory takes everything in it along.
void PowerCut::CutLocked() {
  is_cut_ = true;
  for (const auto& [path, file] : tracked_) {
    if (fs::is_regular_file(path)) CutFile(path, file);
  }
  for (auto& [directory, changes] : changes_) {
    if (!fs::is_directory(directory)) continue;
    const size_t kept = Random(changes.size() + 1);
    for (size_t i = changes.size(); i > kept; --i) Undo(changes[i - 1]);
  }
  fs::remove_all(aside_);
  if (!options_.journal.empty()) fs::remove(options_.journal);  // what is left is on the disk
  if (options_.at_cut == PowerCutOptions::AtCut::kExit) _exit(kKilled);
}

void PowerCut::CutFile(const std::string& path, const File& file) {
  if (file.is_mapped) {
    CutPages(path, file);
  } else if (file.size > file.synced) {
    CutTail(path, file);
  }
}

void PowerCut::CutTail(const std::string& path, const File& file) {
  const uint64_t unsynced = file.size - file.synced;
  const uint64_t choice = Random(3);
  const uint64_t kept = choice == 0 ? 0 : choice == 1 ? unsynced : Random(unsynced + 1);
  std::string bytes = ReadWhole(path);
  bytes.resize(file.synced + kept);
  if (options_.garbage_in_tails && kept > 0 && Random(2) == 0) {
    const uint64_t garbage = std::min<uint64_t>(kept, 1 + Random(kSector));
    for (uint64_t i = 0; i < garbage; ++i)
      bytes[bytes.size() - 1 - i] = static_cast<char>(random_());
  }
  Replace(path, bytes);
}

void PowerCut::CutPages(const std::string& path, const File& file) {
  std::string now = ReadWhole(path);
  std::string before = file.image;
  before.resize(now.size(), '\0');
  std::string after;
  after.reserve(now.size());
  for (size_t at = 0; at < now.size(); at += kPage) {
    const std::string_view old_page = std::string_view(before).substr(at, kPage);
    const std::string_view new_page = std::string_view(now).substr(at, kPage);
    after += old_page == new_page ? std::string(new_page) : PageAfterCut(old_page, new_page);
  }
  if (after.size() > file.synced && Random(3) == 0) after.resize(file.synced);
  Replace(path, after);
}

std::string PowerCut::PageAfterCut(std::string_view before, std::string_view now) {
  switch (Random(5)) {
    case 0:
      return std::string(before);
    case 1:
      return std::string(now);
    case 2:
      return std::string(now.size(), '\0');
    case 3: {
      std::string garbage(now);
      garbage[Random(garbage.size())] ^= static_cast<char>(1 + Random(255));
      return garbage;
    }
    default: {
      const size_t torn = std::min(now.size(), kSector * Random(kPage / kSector + 1));
      return std::string(now.substr(0, torn)).append(before.substr(torn));
    }
  }
}

void PowerCut::Undo(const NameChange& change) {
  std::error_code ignored;  // what it would touch may be gone with an outer directory
  switch (change.kind) {
    case NameChange::Kind::kMade:
      fs::remove_all(change.path, ignored);
      if (!change.saved.empty()) fs::rename(change.saved, change.path, ignored);
      break;
    case NameChange::Kind::kRenamed:
      fs::rename(change.target, change.path, ignored);
      if (!change.saved.empty()) fs::rename(change.saved, change.target, ignored);
      break;
    case NameChange::Kind::kRemoved:
      fs::rename(change.saved, change.path, ignored);
      break;
    case NameChange::Kind::kRemovedDirectory:
      fs::create_directory(change.path, ignored);
      break;
  }
}

}  // namespace kith::test
