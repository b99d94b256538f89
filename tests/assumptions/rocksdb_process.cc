#include "tests/assumptions/rocksdb_process.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"

namespace kith::test {
namespace {

constexpr char kChildFlag[] = "--scenario";

void Check(bool ok) {
  if (!ok) _exit(1);
}

void AppendEntries(const std::string& directory, int count) {
  const auto files = storage::NewPosixFileSystem();
  const SystemClock clock;
  storage::LogOptions options;
  options.directory = directory + "/log";
  options.files = files.get();
  const auto store = storage::LogStore::Open(options);
  Check(store.ok());
  const auto hint = storage::LogHint::Open(directory + "/HINT", *files, clock);
  const uint64_t last = (*store)->LastLsn(1).value();
  for (uint64_t lsn = last + 1; lsn <= last + count; ++lsn) {
    const std::string body(3000, static_cast<char>(lsn));
    const storage::LogRecord record{1, lsn, 1, body};
    Check((*store)->Append({&record, 1}).ok());
    Check(hint->Note(1, lsn).ok());
  }
  Check(hint->Close().ok());
  raise(SIGKILL);
}

void WriteFamilies(const std::string& directory, rocksdb::DBOptions options) {
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  rocksdb::ColumnFamilyOptions small;
  small.write_buffer_size = 64 << 10;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  Check(rocksdb::DB::Open(options, directory,
                          {{rocksdb::kDefaultColumnFamilyName, {}}, {"large", small}}, &handles,
                          &db)
            .ok());
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  for (int i = 1; i <= kFamilyBatches; ++i) {
    rocksdb::WriteBatch batch;
    batch.Put(handles[0], "count", std::to_string(i));
    batch.Put(handles[1], "count", std::to_string(i));
    batch.Put(handles[1], std::to_string(i), std::string(1000, 'x'));
    Check(db->Write(write, &batch).ok());
  }
  raise(SIGKILL);
}

void RunScenario(Scenario scenario, const std::string& directory) {
  rocksdb::DBOptions options;
  switch (scenario) {
    case Scenario::kLog:
      AppendEntries(directory, kEntries);
      break;
    case Scenario::kLogContinued:
      AppendEntries(directory, 1);
      break;
    case Scenario::kAtomicFamilies:
      options.atomic_flush = true;
      WriteFamilies(directory, options);
      break;
    case Scenario::kPlainFamilies:
      WriteFamilies(directory, options);
      break;
  }
}

}  // namespace

bool RunAndKill(Scenario scenario, const std::string& directory) {
  std::string program = "/proc/self/exe";
  std::string flag = kChildFlag;
  std::string number = std::to_string(static_cast<int>(scenario));
  std::string path = directory;
  char* arguments[] = {program.data(), flag.data(), number.data(), path.data(), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return false;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace kith::test

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == kith::test::kChildFlag) {
    kith::test::RunScenario(static_cast<kith::test::Scenario>(std::atoi(argv[2])), argv[3]);
    return 1;
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
