#ifndef KITH_TESTS_UNIT_CLI_FAKE_SERVER_H_
#define KITH_TESTS_UNIT_CLI_FAKE_SERVER_H_

#include <grpcpp/server.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "google/rpc/status.pb.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"
#include "kith/v1/points.grpc.pb.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::cli {

// A status with details as the server sends them.
google::rpc::Status ItemError(int code, const std::string& reason, const std::string& message);
grpc::Status RpcErrorOf(const google::rpc::Status& status);

struct StoredRow {
  std::string vector;
  std::string payload;
  uint64_t version = 0;
};

// What the fake keeps of one collection; ids as "n42" or "u<16 bytes>".
struct FakeCollection {
  v1::Collection facts;
  std::map<std::string, StoredRow> rows;
  std::map<std::string, std::string> requests;  // request_id -> body
};

// The public services over a map, on a port of its own. Search is brute force over f32 and u8.
// Tests set the hooks before calls and read the state after them.
// Threads: any.
class FakeServer final : public v1::Collections::Service,
                         public v1::Points::Service,
                         public v1::Search::Service,
                         public v1::Operations::Service {
 public:
  FakeServer();
  ~FakeServer() override;

  std::string endpoint() const;
  FakeCollection& Add(const std::string& name, uint32_t dimension, v1::Metric metric,
                      v1::ElementType type);
  FakeCollection& at(const std::string& name) { return collections_.at(name); }
  bool has(const std::string& name) const { return collections_.count(name) != 0; }

  // Called with each Upsert and its number from 1; an error is answered in its place.
  std::function<grpc::Status(uint64_t, const v1::UpsertRequest&)> on_upsert;
  // Called for each point of an Upsert by its number; a code other than 0 refuses it.
  std::function<google::rpc::Status(uint64_t call, uint64_t number)> on_point;
  std::function<v1::Operation(uint64_t poll)> on_poll;
  // What the calls on index versions work on, whatever the collection.
  v1::ListIndexVersionsResponse versions;
  v1::TrainIndexRequest last_training;
  // Called with the number of each Search from 1, one at a time: while one waits, so do all.
  std::function<grpc::Status(uint64_t)> on_search;
  // Called with the number of each page from 1, before it is read; an error is answered in its
  // place. It may change the rows.
  std::function<grpc::Status(uint64_t)> on_page;
  double coverage = 1;  // of every answer
  // What VerifyCollection answers for any collection.
  v1::VerifyCollectionResponse verification;

  uint64_t upserts = 0;
  uint64_t searches = 0;
  uint64_t batches = 0;
  uint64_t pages = 0;
  uint64_t in_flight_max = 0;
  bool import_priority_only = true;
  std::set<std::string> peers;  // addresses that searched

  grpc::Status CreateCollection(grpc::ServerContext*, const v1::CreateCollectionRequest*,
                                v1::Collection*) override;
  grpc::Status PlanCollection(grpc::ServerContext*, const v1::PlanCollectionRequest*,
                              v1::PlanCollectionResponse*) override;
  grpc::Status GetCollection(grpc::ServerContext*, const v1::GetCollectionRequest*,
                             v1::Collection*) override;
  grpc::Status ListCollections(grpc::ServerContext*, const v1::ListCollectionsRequest*,
                               v1::ListCollectionsResponse*) override;
  grpc::Status DeleteCollection(grpc::ServerContext*, const v1::DeleteCollectionRequest*,
                                v1::DeleteCollectionResponse*) override;
  grpc::Status ListIndexVersions(grpc::ServerContext*, const v1::ListIndexVersionsRequest*,
                                 v1::ListIndexVersionsResponse*) override;
  grpc::Status PromoteIndexVersion(grpc::ServerContext*, const v1::PromoteIndexVersionRequest*,
                                   v1::ListIndexVersionsResponse*) override;
  grpc::Status RollbackIndexVersion(grpc::ServerContext*, const v1::RollbackIndexVersionRequest*,
                                    v1::ListIndexVersionsResponse*) override;
  grpc::Status DropIndexVersion(grpc::ServerContext*, const v1::DropIndexVersionRequest*,
                                v1::ListIndexVersionsResponse*) override;
  grpc::Status TrainIndex(grpc::ServerContext*, const v1::TrainIndexRequest*,
                          v1::Operation*) override;
  grpc::Status VerifyCollection(grpc::ServerContext*, const v1::VerifyCollectionRequest*,
                                v1::VerifyCollectionResponse*) override;
  grpc::Status Upsert(grpc::ServerContext*, const v1::UpsertRequest*, v1::UpsertResponse*) override;
  grpc::Status GetPoints(grpc::ServerContext*, const v1::GetPointsRequest*,
                         v1::GetPointsResponse*) override;
  grpc::Status DeletePoints(grpc::ServerContext*, const v1::DeletePointsRequest*,
                            v1::DeletePointsResponse*) override;
  grpc::Status CountPoints(grpc::ServerContext*, const v1::CountPointsRequest*,
                           v1::CountPointsResponse*) override;
  // Pages in the order of the map's keys.
  grpc::Status ScrollPoints(grpc::ServerContext*, const v1::ScrollPointsRequest*,
                            v1::ScrollPointsResponse*) override;
  grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest*, v1::SearchResponse*) override;
  grpc::Status SearchBatch(grpc::ServerContext*, const v1::SearchBatchRequest*,
                           v1::SearchBatchResponse*) override;
  grpc::Status GetOperation(grpc::ServerContext*, const v1::GetOperationRequest*,
                            v1::Operation*) override;
  grpc::Status ListOperations(grpc::ServerContext*, const v1::ListOperationsRequest*,
                              v1::ListOperationsResponse*) override;

 private:
  struct Ranked {
    float score;
    std::string key;
  };
  FakeCollection* Find(const std::string& name);
  std::vector<Ranked> Nearest(const FakeCollection& collection, const std::string& query,
                              const v1::SearchParameters& parameters) const;

  std::mutex mutex_;
  std::map<std::string, FakeCollection> collections_;
  std::map<std::string, v1::Operation> operations_;
  uint64_t polls_ = 0;
  uint64_t in_flight_ = 0;
  uint64_t next_version_ = 1;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace kith::cli

#endif  // KITH_TESTS_UNIT_CLI_FAKE_SERVER_H_
