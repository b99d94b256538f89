#include "tests/support/powercut_file_system.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "shard/storage/file_system.h"

namespace kith::test {
namespace {

namespace fs = std::filesystem;

std::string Normal(const std::string& path) {
  std::string text = fs::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

uint64_t SizeOf(const std::string& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

// `path` itself or something below it.
bool IsWithin(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

std::string Moved(const std::string& path, const std::string& from, const std::string& to) {
  return IsWithin(path, from) ? to + path.substr(from.size()) : path;
}

}  // namespace

PowerCut::PowerCut(const PowerCutOptions& options)
    : options_(options),
      aside_(Normal(options.root) + ".powercut"),
      random_(options.seed),
      files_(*this) {
  fs::remove_all(aside_);
  fs::create_directories(aside_);
  if (options_.journal.empty()) return;
  ReadJournal();
  journal_.open(options_.journal, std::ios::app);
}

// Lines of "kind size path[\ttarget]". The last one may be cut: then its call never returned.
void PowerCut::ReadJournal() {
  std::ifstream journal(options_.journal);
  std::map<std::string, uint64_t> synced;
  int kind = 0;
  uint64_t size = 0;
  for (std::string names; journal >> kind >> size && std::getline(journal.ignore(1), names);) {
    const size_t tab = names.find('\t');
    const std::string path = names.substr(0, tab);
    switch (static_cast<DiskCall::Kind>(kind)) {
      case DiskCall::Kind::kRemoveFile:
        synced.erase(path);
        break;
      case DiskCall::Kind::kRename: {
        std::map<std::string, uint64_t> moved;
        const std::string target = names.substr(tab + 1);
        for (const auto& [name, bytes] : synced) moved[Moved(name, path, target)] = bytes;
        synced = std::move(moved);
        break;
      }
      default:
        synced[path] = size;
    }
  }
  for (const auto& [path, bytes] : synced) {
    if (!fs::is_regular_file(path)) continue;
    File& file = tracked_[path];
    file.size = SizeOf(path);
    file.synced = std::min(bytes, file.size);
  }
}

void PowerCut::Note(const DiskCall& call, uint64_t synced) {
  if (!journal_.is_open()) return;
  journal_ << static_cast<int>(call.kind) << ' ' << synced << ' ' << call.path;
  if (!call.target.empty()) journal_ << '\t' << call.target;
  journal_ << '\n' << std::flush;  // reaches the page cache, which a kill leaves alone
}

PowerCut::~PowerCut() {
  std::error_code ignored;
  fs::remove_all(aside_, ignored);
}

void PowerCut::Cut() {
  std::lock_guard lock(mutex_);
  if (!is_cut_) CutLocked();
}

bool PowerCut::is_cut() const {
  std::lock_guard lock(mutex_);
  return is_cut_;
}

uint64_t PowerCut::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

int PowerCut::Run(const DiskCall& call, const RealOperation& real) {
  if (call.kind == DiskCall::Kind::kSyncFile) std::this_thread::sleep_for(options_.sync_time);
  std::lock_guard lock(mutex_);
  if (is_cut_) return EIO;
  ++operations_;
  if (operations_ == options_.cut_after_operations) {
    CutLocked();
    return EIO;
  }
  DiskCall normal = call;
  normal.path = Normal(call.path);
  normal.target = call.target.empty() ? "" : Normal(call.target);
  return Apply(normal, real);
}

int PowerCut::Apply(const DiskCall& call, const RealOperation& real) {
  switch (call.kind) {
    case DiskCall::Kind::kCreateFile:
      Note(call, 0);
      return CreateFile(call.path, real);
    case DiskCall::Kind::kMap:
      return Map(call, real);
    case DiskCall::Kind::kRename:
      Note(call, 0);
      return Rename(call.path, call.target, real);
    case DiskCall::Kind::kRemoveFile:
      Note(call, 0);
      return Remove(call.path);
    default:
      break;
  }
  if (call.kind == DiskCall::Kind::kSyncFile) {
    File& file = Track(call.path);
    file.synced = file.size;
    Note(call, file.synced);
    return 0;
  }
  if (call.kind == DiskCall::Kind::kSyncMap) {
    File& file = Track(call.path);
    file.synced = file.size;
    file.image = ReadFile(call.path);
    return 0;
  }
  if (call.kind == DiskCall::Kind::kSyncDirectory) {
    CommitNames(call.path);
    return 0;
  }
  const bool was_there = fs::exists(call.path);
  File* const file = call.kind == DiskCall::Kind::kAppend || call.kind == DiskCall::Kind::kTruncate
                         ? &Track(call.path)
                         : nullptr;
  const int error = real();
  if (file != nullptr) file->size = SizeOf(call.path);
  if (error != 0) return error;
  if (call.kind == DiskCall::Kind::kTruncate) file->synced = std::min(file->synced, file->size);
  if (call.kind == DiskCall::Kind::kMakeDirectory && !was_there) {
    AddChange(call.path, {NameChange::Kind::kMade, call.path, {}, {}});
  }
  if (call.kind == DiskCall::Kind::kRemoveDirectory) {
    AddChange(call.path, {NameChange::Kind::kRemovedDirectory, call.path, {}, {}});
  }
  return 0;
}

PowerCut::File& PowerCut::Track(const std::string& path) {
  const auto [entry, is_new] = tracked_.try_emplace(path);
  if (is_new) entry->second.size = entry->second.synced = SizeOf(path);
  return entry->second;
}

std::string PowerCut::SetAside(const std::string& path) {
  if (!fs::exists(path)) return "";
  std::string saved = aside_ + "/" + std::to_string(set_aside_++);
  fs::rename(path, saved);
  MoveRecords(path, saved);
  return saved;
}

void PowerCut::AddChange(const std::string& path, NameChange change) {
  changes_[storage::ParentDirectory(path)].push_back(std::move(change));
}

// Emptying an existing file is told as replacing it: the cut may bring the old one back.
int PowerCut::CreateFile(const std::string& path, const RealOperation& real) {
  const std::string saved = SetAside(path);
  const int error = real();
  if (error != 0) {
    if (!saved.empty()) {
      fs::rename(saved, path);
      MoveRecords(saved, path);
    }
    return error;
  }
  tracked_[path] = {};
  AddChange(path, {NameChange::Kind::kMade, path, {}, saved});
  return 0;
}

int PowerCut::Map(const DiskCall& call, const RealOperation& real) {
  const bool was_there = fs::exists(call.path);
  const bool was_tracked = tracked_.contains(call.path);
  std::string image = was_there && !was_tracked ? ReadFile(call.path) : "";
  const int error = real();
  if (error != 0) return error;
  File& file = tracked_[call.path];
  if (!was_tracked) {
    file.synced = image.size();
    file.image = std::move(image);
  }
  file.is_mapped = true;
  file.size = SizeOf(call.path);
  if (!was_there) AddChange(call.path, {NameChange::Kind::kMade, call.path, {}, {}});
  return 0;
}

int PowerCut::Rename(const std::string& from, const std::string& to, const RealOperation& real) {
  const std::string saved = fs::is_directory(to) ? "" : SetAside(to);
  const int error = real();
  if (error != 0) {
    if (!saved.empty()) {
      fs::rename(saved, to);
      MoveRecords(saved, to);
    }
    return error;
  }
  MoveRecords(from, to);
  AddChange(to, {NameChange::Kind::kRenamed, from, to, saved});
  return 0;
}

int PowerCut::Remove(const std::string& path) {
  const std::string saved = SetAside(path);
  if (saved.empty()) return ENOENT;
  AddChange(path, {NameChange::Kind::kRemoved, path, {}, saved});
  return 0;
}

// Everything known of `from`, and below it where it is a directory, is known of `to` now.
void PowerCut::MoveRecords(const std::string& from, const std::string& to) {
  std::map<std::string, File> tracked;
  for (auto& [path, file] : tracked_) {
    if (path == to) continue;
    tracked[Moved(path, from, to)] = std::move(file);
  }
  tracked_ = std::move(tracked);
  std::map<std::string, std::vector<NameChange>> changes;
  for (auto& [directory, list] : changes_) {
    if (IsWithin(directory, from)) {
      for (NameChange& change : list) {
        change.path = Moved(change.path, from, to);
        change.target = Moved(change.target, from, to);
      }
    }
    auto& moved = changes[Moved(directory, from, to)];
    moved.insert(moved.end(), std::make_move_iterator(list.begin()),
                 std::make_move_iterator(list.end()));
  }
  changes_ = std::move(changes);
}

void PowerCut::CommitNames(const std::string& directory) {
  const auto found = changes_.find(directory);
  if (found == changes_.end()) return;
  const std::vector<NameChange> committed = std::move(found->second);
  changes_.erase(found);
  for (const NameChange& change : committed) {
    if (!change.saved.empty()) {
      fs::remove_all(change.saved);
      tracked_.erase(change.saved);
    }
    if (change.kind == NameChange::Kind::kRemovedDirectory) CommitNames(change.path);
  }
}

}  // namespace kith::test
