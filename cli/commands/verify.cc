#include "cli/commands/verify.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "cli/client/connection.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "cli/console/table.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "kith/v1/collections.grpc.pb.h"

namespace kith::cli {
namespace {

uint64_t MismatchesOf(const v1::ShardVerification& shard) {
  return shard.truth_mismatches() + shard.index_mismatches();
}

std::string ResultOf(const v1::ShardVerification& shard) {
  if (!shard.error_message().empty()) {
    return fmt::format("not verified: {} ({})", shard.error_message(), shard.error_reason());
  }
  return MismatchesOf(shard) == 0 ? "equal" : "DAMAGED";
}

void Print(const v1::VerifyCollectionResponse& answer, Terminal& terminal) {
  Table table(
      {"SHARD", "NODE", "POINTS", "SLOTS", "TRUTH DIFFERS", "INDEX DIFFERS", "DIGEST", "RESULT"});
  for (const v1::ShardVerification& shard : answer.shards()) {
    table.Add({std::to_string(shard.shard()), shard.node(), WithThousands(shard.points()),
               std::to_string(shard.slots_checked()), std::to_string(shard.truth_mismatches()),
               std::to_string(shard.index_mismatches()), shard.digest(), ResultOf(shard)});
  }
  table.Print(terminal.out);
}

Json ToJson(const v1::VerifyCollectionResponse& answer) {
  Json shards = Json::array();
  for (const v1::ShardVerification& shard : answer.shards()) {
    shards.push_back({{"shard", shard.shard()},
                      {"node", shard.node()},
                      {"points", shard.points()},
                      {"slots_checked", shard.slots_checked()},
                      {"truth_mismatches", shard.truth_mismatches()},
                      {"index_mismatches", shard.index_mismatches()},
                      {"applied_lsn", shard.applied_lsn()},
                      {"digest", shard.digest()},
                      {"error_reason", shard.error_reason()},
                      {"error_message", shard.error_message()}});
  }
  return {{"equal", answer.equal()}, {"shards", shards}};
}

absl::Status VerdictOn(const v1::VerifyCollectionResponse& answer) {
  if (answer.equal()) return absl::OkStatus();
  uint64_t mismatches = 0;
  for (const v1::ShardVerification& shard : answer.shards()) mismatches += MismatchesOf(shard);
  if (mismatches > 0) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 fmt::format("{} slots differ from their digests: keep the data directory of the "
                             "node as it is and restore it from a backup",
                             mismatches));
  }
  for (const v1::ShardVerification& shard : answer.shards()) {
    if (shard.error_message().empty()) continue;
    return Error(absl::StatusCode::kUnavailable, shard.error_reason(),
                 fmt::format("not every shard could be verified: {}", shard.error_message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunVerify(const VerifyOptions& options, Terminal& terminal) {
  v1::VerifyCollectionRequest request;
  request.set_collection(options.collection);
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  const auto stub = v1::Collections::NewStub(channel);
  v1::VerifyCollectionResponse answer;
  const std::chrono::seconds timeout(options.timeout_s);
  KITH_RETURN_IF_ERROR(CallServer(timeout, [&](grpc::ClientContext* context) {
    return stub->VerifyCollection(context, request, &answer);
  }));
  if (options.json != "-") Print(answer, terminal);
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(answer), options.json, terminal));
  return VerdictOn(answer);
}

}  // namespace kith::cli
