// Kills a writing node again and again and checks each time that what it recovers is exactly what
// the log says: nothing acknowledged lost, no delete undone, digests of truth and index equal.
//
//   kith_crash_test --mode kill|powercut|killcut --kills N --json FILE [--seed S] [--directory D]
//
// kill: kill -9. powercut: a simulated disk forgets what was not synced. killcut: by turns; what a
// killed process left in the page cache is still unsynced when the power goes.
//
// Then the same with each seeded fault: a harness that cannot fail proves nothing.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/chaos/crash_child.h"
#include "tests/chaos/crash_workload.h"

namespace kith::test {
namespace {

// What went on behind the writes, and was killed too.
struct Upkeep {
  uint64_t moved_rows = 0;
  uint64_t reclaimed_bytes = 0;
  uint64_t merges = 0;
};

struct Counts {
  uint64_t kills = 0;
  uint64_t acked_writes = 0;
  uint64_t lost = 0;
  uint64_t undone_deletes = 0;
  uint64_t digest_mismatches = 0;
  uint64_t refused = 0;        // the node would not open or would not verify
  uint64_t wrong_answers = 0;  // searches or vectors that contradict the truth
  Upkeep upkeep;
  std::string first_problem;
  std::string evidence;  // the node's directory as the first problem left it

  uint64_t problems() const {
    return lost + undone_deletes + digest_mismatches + refused + wrong_answers;
  }
};

struct Run {
  std::string mode;
  std::string fault;  // empty: none
  std::string directory;
  uint64_t seed = 1;
};

// A child and the pipe it reports through.
class Process {
 public:
  Process(const Run& run, uint64_t cut_after, uint64_t seed, bool write) {
    const std::string journal = run.mode == "killcut" ? run.directory + ".journal" : "";
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      const std::string cut = std::to_string(cut_after);
      const std::string number = std::to_string(seed);
      execl("/proc/self/exe", "kith_crash_test", "--child", run.directory.c_str(), "--fault",
            run.fault.empty() ? "none" : run.fault.c_str(), "--cut-after", cut.c_str(), "--seed",
            number.c_str(), "--journal", journal.c_str(), write ? "--write" : "--no-write",
            nullptr);
      _exit(127);
    }
    close(ends[1]);
    out_ = fdopen(ends[0], "r");
  }
  ~Process() {
    Kill();
    fclose(out_);
  }
  // Threads: the killer's and the driver's; the second call finds nothing to kill.
  void Kill() {
    std::lock_guard lock(mutex_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    pid_ = 0;
  }
  // After the pipe closed: waits for the end that is coming by itself.
  void Wait() {
    std::lock_guard lock(mutex_);
    if (pid_ <= 0) return;
    waitpid(pid_, &status_, 0);
    pid_ = 0;
  }
  // Killed by us, cut off by the simulated disk, or ended in order; anything else is a crash.
  bool EndedAsMeant() const {
    if (WIFSIGNALED(status_)) return WTERMSIG(status_) == SIGKILL;
    return WIFEXITED(status_) && (WEXITSTATUS(status_) == 137 || WEXITSTATUS(status_) == 0);
  }
  // False at the end of what the child said.
  bool ReadLine(std::string& line) {
    char buffer[512];
    line.clear();
    if (fgets(buffer, sizeof(buffer), out_) == nullptr) return false;
    line = buffer;
    if (!line.empty() && line.back() == '\n') line.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  pid_t pid_ = 0;
  int status_ = 0;
  FILE* out_ = nullptr;
};

class Driver {
 public:
  Driver(Run run, Counts& counts) : run_(std::move(run)), counts_(counts), random_(run_.seed) {
    Clear();
    std::filesystem::create_directories(run_.directory);
  }
  // What a problem was seen on is kept; what a seeded fault made of it is of no interest.
  ~Driver() {
    if (counts_.problems() != 0 && run_.fault.empty()) {
      counts_.evidence = run_.directory + ".evidence";
      std::filesystem::remove_all(counts_.evidence);
      std::filesystem::rename(run_.directory, counts_.evidence);
    }
    Clear();
  }

  // One life of the node. False where it may not go on: it refused, or a fault was caught.
  bool Cycle() {
    const bool powercut =
        run_.mode == "powercut" || (run_.mode == "killcut" && counts_.kills % 2 == 1);
    // After a kill soon, mostly: a checkpoint would make up for what the kill left unsynced.
    const uint64_t most = run_.mode == "killcut" ? 7 + random_() % 4 : 9 + random_() % 5;
    const uint64_t cut = powercut ? 150 + random_() % (1 << most) : 0;
    Process process(run_, cut, random_(), true);
    ++counts_.kills;
    std::thread killer;
    const bool early = random_() % 10 == 0;  // sometimes while it starts
    if (!powercut && early) killer = KillAfter(process, random_() % 120);
    bool usable = true;
    bool reported = false;
    std::string line;
    while (usable && process.ReadLine(line)) {
      if (line == "READY") {
        usable = CompareState();
        reported = true;
        if (!powercut && !early) killer = KillAfter(process, 3 + random_() % 250);
      } else {
        usable = Take(line);
      }
    }
    if (killer.joinable()) killer.join();
    if (!usable) return false;
    AddUpkeep();
    process.Wait();
    if (!process.EndedAsMeant()) return Problem(counts_.refused, "the node crashed by itself");
    if (reported || early || powercut) return true;
    return Problem(counts_.refused, "the node was killed before it reported anything");
  }

  // A last look without a crash after it.
  bool Final() {
    Process process(run_, 0, 0, false);
    std::string line;
    while (process.ReadLine(line)) {
      if (line == "READY") return CompareState();
      if (!Take(line)) return false;
    }
    return Problem(counts_.refused, "the last start said nothing");
  }

 private:
  void Clear() const {
    for (const char* ending : {"", ".powercut", ".journal"}) {
      std::filesystem::remove_all(run_.directory + ending);
    }
  }

  static std::thread KillAfter(Process& process, uint64_t milliseconds) {
    return std::thread([&process, milliseconds] {
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      process.Kill();
    });
  }

  void AddUpkeep() {
    counts_.upkeep.moved_rows += of_this_life_.moved_rows;
    counts_.upkeep.reclaimed_bytes += of_this_life_.reclaimed_bytes;
    counts_.upkeep.merges += of_this_life_.merges;
    of_this_life_ = {};
  }

  bool Problem(uint64_t& counter, const std::string& what) {
    ++counter;
    if (counts_.first_problem.empty()) counts_.first_problem = what;
    return false;
  }

  bool Take(const std::string& line) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "ACK") {
      uint64_t request = 0;
      words >> request;
      acked_ = std::max(acked_, request);
      ++counts_.acked_writes;
    } else if (kind == "UPKEEP") {
      words >> of_this_life_.moved_rows >> of_this_life_.reclaimed_bytes >> of_this_life_.merges;
    } else if (kind == "STATE") {
      uint64_t truth = 0, index = 0;
      words >> lsn_ >> truth >> index;
      stored_.clear();
      if (truth + index != 0) return Problem(counts_.digest_mismatches, line);
    } else if (kind == "POINT") {
      uint64_t id = 0, request = 0;
      words >> id >> request;
      stored_[id] = request;
    } else if (kind == "WRONG") {
      return Problem(counts_.wrong_answers, line);
    } else if (kind == "REFUSED") {
      const bool digests = line.find("differ from the truth") != std::string::npos;
      return Problem(digests ? counts_.digest_mismatches : counts_.refused, line);
    } else if (kind == "STOPPED" && run_.mode != "powercut") {
      return Problem(counts_.wrong_answers, line);
    }
    return true;
  }

  // The stored points must be those of requests 1..lsn, and lsn must cover every acknowledgement.
  bool CompareState() {
    if (lsn_ < acked_) {
      return Problem(counts_.lost, "acknowledged up to " + std::to_string(acked_) +
                                       ", recovered up to " + std::to_string(lsn_));
    }
    while (modelled_ < lsn_) Advance(model_, ++modelled_);
    if (modelled_ > lsn_) {  // unacknowledged requests of the last life are gone: allowed
      model_.clear();
      for (modelled_ = 0; modelled_ < lsn_;) Advance(model_, ++modelled_);
    }
    bool equal = true;
    for (const auto& [id, request] : model_) {
      const auto found = stored_.find(id);
      if (found == stored_.end() || found->second != request) {
        equal = Problem(counts_.lost, "point " + std::to_string(id) + " is not what was written");
      }
    }
    for (const auto& [id, request] : stored_) {
      if (!model_.contains(id)) {
        equal = Problem(counts_.undone_deletes, "point " + std::to_string(id) + " came back");
      }
    }
    return equal;
  }

  const Run run_;
  Counts& counts_;
  std::mt19937_64 random_;
  uint64_t acked_ = 0;
  uint64_t lsn_ = 0;
  Model stored_;
  Model model_;
  uint64_t modelled_ = 0;
  Upkeep of_this_life_;
};

Counts RunCycles(const Run& run, uint64_t cycles) {
  Counts counts;
  {
    Driver driver(run, counts);
    for (uint64_t i = 1; i <= cycles && driver.Cycle(); ++i) {
      if (!run.fault.empty() || i % 25 != 0) continue;
      std::cerr << run.mode << " " << i << "/" << cycles << " acked " << counts.acked_writes
                << " problems " << counts.problems() << "\n";
    }
    if (counts.problems() == 0) driver.Final();
  }
  return counts;
}

storage::Faults FaultsOf(const std::string& name) {
  storage::Faults faults;
  faults.acknowledge_before_sync = name == "acknowledge_before_sync";
  faults.skip_flush = name == "skip_flush";
  faults.apply_twice = name == "apply_twice";
  faults.drop_tombstone = name == "drop_tombstone";
  faults.ignore_checksum = name == "ignore_checksum";
  faults.trust_page_cache = name == "trust_page_cache";
  faults.keep_moved_row = name == "keep_moved_row";
  return faults;
}

// Faults that a mode can show: a kill leaves the page cache alone, so what was not synced and what
// was torn shows only when the power goes.
std::vector<std::string> CatchableFaults(const std::string& mode) {
  if (mode == "kill") return {"skip_flush", "apply_twice", "drop_tombstone", "keep_moved_row"};
  if (mode == "killcut") return {"trust_page_cache"};
  return {"acknowledge_before_sync", "skip_flush",      "apply_twice",
          "drop_tombstone",          "ignore_checksum", "keep_moved_row"};
}

int Drive(const Run& run, uint64_t kills, uint64_t fault_kills, const std::string& json) {
  const auto begun = std::chrono::steady_clock::now();
  const Counts counts = RunCycles(run, kills);
  nlohmann::json caught = nlohmann::json::object();
  uint64_t caught_total = 0;
  for (const std::string& fault : CatchableFaults(run.mode)) {
    Run faulty = run;
    faulty.fault = fault;
    const Counts seen = RunCycles(faulty, fault_kills);
    caught_total += seen.problems() != 0 ? 1 : 0;
    caught[fault] = {
        {"caught", seen.problems() != 0}, {"after_kills", seen.kills}, {"by", seen.first_problem}};
    std::cerr << "fault " << fault << ": "
              << (seen.problems() != 0 ? "caught after " + std::to_string(seen.kills) +
                                             " kills: " + seen.first_problem
                                       : "NOT caught")
              << "\n";
  }
  const size_t total = CatchableFaults(run.mode).size();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
  const nlohmann::json report = {{"mode", run.mode},
                                 {"seed", run.seed},
                                 {"kills", counts.kills},
                                 {"acked_writes", counts.acked_writes},
                                 {"lost", counts.lost},
                                 {"undone_deletes", counts.undone_deletes},
                                 {"digest_mismatches", counts.digest_mismatches},
                                 {"refused_starts", counts.refused},
                                 {"wrong_answers", counts.wrong_answers},
                                 {"moved_rows", counts.upkeep.moved_rows},
                                 {"reclaimed_bytes", counts.upkeep.reclaimed_bytes},
                                 {"merges", counts.upkeep.merges},
                                 {"first_problem", counts.first_problem},
                                 {"evidence", counts.evidence},
                                 {"seeded_faults_caught", caught_total},
                                 {"seeded_faults_total", total},
                                 {"faults", caught},
                                 {"seconds", seconds.count()}};
  std::cout << report.dump(2) << "\n";
  if (!json.empty() && !(std::ofstream(json) << report.dump(2) << "\n" << std::flush)) {
    std::cerr << "kith_crash_test: " << json << " cannot be written\n";
    return 1;
  }
  return counts.problems() == 0 && counts.kills == kills && caught_total == total ? 0 : 1;
}

}  // namespace
}  // namespace kith::test

int main(int argc, char** argv) {
  CLI::App app("Crash tests of a shard node");
  kith::test::Run run;
  run.mode = "kill";
  run.directory =
      (std::filesystem::temp_directory_path() / ("kith-crash-" + std::to_string(getpid())))
          .string();
  uint64_t kills = 300;
  uint64_t fault_kills = 80;
  std::string json;
  std::string fault = "none";
  kith::test::ChildOptions child;
  app.add_option("--mode", run.mode)->check(CLI::IsMember({"kill", "powercut", "killcut"}));
  app.add_option("--kills", kills, "lives of the node without a fault");
  app.add_option("--fault-kills", fault_kills, "lives at most to catch each seeded fault");
  app.add_option("--json", json, "write the report there");
  app.add_option("--seed", run.seed);
  app.add_option("--directory", run.directory, "of the node; removed at the end");
  app.add_option("--child", child.directory)->group("");
  app.add_option("--fault", fault)->group("");
  app.add_option("--journal", child.journal)->group("");
  app.add_option("--cut-after", child.cut_after_operations)->group("");
  app.add_flag("--write,!--no-write", child.write)->group("");
  CLI11_PARSE(app, argc, argv);
  if (!child.directory.empty()) {
    child.seed = run.seed;
    child.faults = kith::test::FaultsOf(fault);
    return kith::test::RunChild(child);
  }
  return kith::test::Drive(run, kills, fault_kills, json);
}
