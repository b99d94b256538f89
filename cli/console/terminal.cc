#include "cli/console/terminal.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "common/auth/reasons.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr char kUsage[] = "USAGE";
constexpr std::string_view kExitCodeFact = "exit_code";

struct Remedy {
  std::string_view reason;
  std::string_view text;
};

// What to do about a reason, in terms of this program.
constexpr std::array kRemedies = {
    Remedy{reason::kCollectionNotFound,
           "`kith collection list` shows what there is, `kith collection create` makes one"},
    Remedy{reason::kCollectionExists,
           "choose another name, or `kith collection drop NAME` first (its points are lost)"},
    Remedy{reason::kCollectionLimit, "drop a collection that is no longer needed"},
    Remedy{reason::kDimensionMismatch,
           "give vectors of the collection's dimension (`kith collection get NAME` prints it)"},
    Remedy{reason::kZeroVectorCosine, "leave out zero vectors or use metric l2 or ip"},
    Remedy{reason::kTooFewPoints, "import more points first; until then search is exact"},
    Remedy{reason::kDegeneratePoints, "the points are all equal: check the data"},
    Remedy{reason::kTrainingInProgress, "`kith status` shows its progress; wait for it to end"},
    Remedy{reason::kIndexNotTrained, "`kith collection train NAME`, or search with --exact"},
    Remedy{reason::kDiskFull, "free space on the server's disk, then run the same command again"},
    Remedy{reason::kMemoryLimit, "`kith collection plan` shows what a collection takes"},
    Remedy{reason::kQueueFull, "the server is busy: wait, or lower --in-flight or --threads"},
    Remedy{reason::kOverloaded,
           "the server has too much to do: wait, allow more time, or ask with --batch-priority"},
    Remedy{reason::kIndexingBehind, "the server is catching up with writes: wait and go on"},
    Remedy{reason::kCoverageBelowMinimum, "a shard did not answer; `kith status` shows which"},
    Remedy{reason::kDeadline, "allow more time (--deadline-ms) or ask for less work"},
    Remedy{reason::kNotReady, "the server is still loading: wait a moment"},
    Remedy{reason::kDraining, "the server is stopping: wait until it is back"},
    Remedy{reason::kKeyRequired,
           "set KITH_API_KEY_FILE or KITH_API_KEY; `kith key create` makes keys for a server"},
    Remedy{reason::kBadKey, "look for a typing error, or ask for a new key"},
    Remedy{reason::kKeyExpired, "ask for a new key"},
    Remedy{reason::kKeyReadOnly, "use a key that may write to this collection"},
    Remedy{reason::kKeyNotAdmin, "use a key that may administer this collection"},
    Remedy{reason::kCollectionForbidden,
           "use a key for this collection, an alias counting as what it stands for; for backups, "
           "one for all"},
    Remedy{reason::kQuotaExceeded, "come back later, or ask for a larger quota of the key"},
    Remedy{reason::kBackupNotFound, "`kith backup list` shows what there is"},
    Remedy{reason::kBackupExists, "choose another name, or `kith backup delete NAME --yes` first"},
    Remedy{reason::kBackupInProgress,
           "`kith status` shows its progress; wait for its end, or `kith backup cancel OPERATION`"},
    Remedy{reason::kOperationNotFound, "`kith status` lists the operations that are kept"},
};

// gRPC says why in its own words only.
std::string_view UnreachableRemedy(absl::string_view message) {
  if (message.find("andshake failed") != absl::string_view::npos) {
    return "is the server's certificate of an authority in KITH_TLS_CA_FILE, and for this host "
           "name?";
  }
  if (message.find("Socket closed") != absl::string_view::npos) {
    return "a server that speaks TLS hangs up so: set KITH_TLS_CA_FILE, or certificate and key "
           "where "
           "it asks for those (docs/security.md)";
  }
  return "start the server (kithd) or name another with --endpoint HOST:PORT";
}

std::string_view RemedyFor(const absl::Status& status, std::string_view reason) {
  for (const Remedy& remedy : kRemedies) {
    if (remedy.reason == reason) return remedy.text;
  }
  if (status.code() == absl::StatusCode::kUnavailable) {
    return UnreachableRemedy(status.message());
  }
  if (status.code() == absl::StatusCode::kUnimplemented) {
    return "the server does not offer this call: is it another version, or no kithd?";
  }
  return {};
}

}  // namespace

absl::Status UsageError(std::string_view option, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, kUsage, fmt::format("{}: {}", option, message));
}

int ReportStatus(const absl::Status& status, Terminal& terminal) {
  if (status.ok()) return kExitOk;
  const std::string reason = ReasonOf(status);
  terminal.err << fmt::format("kith: {}\n", std::string(status.message()));
  if (reason == kUsage) return kExitUsage;
  if (!reason.empty()) terminal.err << fmt::format("  reason: {}\n", reason);
  if (const auto field = FactOf(status, kFieldFact)) {
    terminal.err << fmt::format("  field:  {}\n", *field);
  }
  ForEachFact(status, [&](std::string_view key, const std::string& value) {
    if (key != kFieldFact && key != kRetryAfterMsFact && key != kExitCodeFact) {
      terminal.err << fmt::format("  {}: {}\n", key, value);
    }
  });
  if (const std::string_view remedy = RemedyFor(status, reason); !remedy.empty()) {
    terminal.err << fmt::format("  remedy: {}\n", remedy);
  }
  const auto code = FactOf(status, kExitCodeFact);
  return code.has_value() ? std::atoi(code->c_str()) : kExitError;
}

void SetExitCode(absl::Status& status, int code) {
  SetFact(status, kExitCodeFact, std::to_string(code));
}

}  // namespace kith::cli
