#include "tests/unit/cli/fake_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "google/rpc/error_details.pb.h"

namespace kith::cli {
namespace {

std::string KeyOf(const v1::PointId& id) {
  return id.id_case() == v1::PointId::kNumber ? "n" + std::to_string(id.number()) : "u" + id.uuid();
}

v1::PointId IdOf(const std::string& key) {
  v1::PointId id;
  if (key[0] == 'n') {
    id.set_number(std::stoull(key.substr(1)));
  } else {
    id.set_uuid(key.substr(1));
  }
  return id;
}

size_t RowBytes(const v1::Collection& facts) {
  const size_t width = facts.element_type() == v1::ELEMENT_TYPE_F32   ? 4
                       : facts.element_type() == v1::ELEMENT_TYPE_F16 ? 2
                                                                      : 1;
  return facts.dimension() * width;
}

// f32 and u8 only: what the fake searches.
std::string BytesOf(const v1::Vector& vector, const v1::Collection& facts) {
  if (!vector.data().empty()) return vector.data();
  std::string bytes;
  for (const float value : vector.values()) {
    if (facts.element_type() == v1::ELEMENT_TYPE_U8) {
      bytes.push_back(static_cast<char>(static_cast<uint8_t>(value)));
    } else {
      bytes.append(reinterpret_cast<const char*>(&value), 4);
    }
  }
  return bytes;
}

float ElementOf(const std::string& row, size_t i, v1::ElementType type) {
  if (type == v1::ELEMENT_TYPE_U8) return static_cast<uint8_t>(row[i]);
  float value;
  std::memcpy(&value, row.data() + 4 * i, 4);
  return value;
}

grpc::Status NoCollection(const std::string& name) {
  return RpcErrorOf(ItemError(5, "COLLECTION_NOT_FOUND", "there is no collection " + name));
}

void Explain(const FakeCollection& collection, v1::Explanation& told) {
  const uint64_t points = collection.rows.size();
  told.set_strategy("ivf");
  told.set_nprobe(4);
  told.set_rows_scanned(points / 4);
  told.set_rows_exact(points / 4);
  told.set_rows_refined(20);
  told.set_rows_reranked(10);
  told.set_points_total(points);
  told.set_target_recall_reached(false);
}

}  // namespace

google::rpc::Status ItemError(int code, const std::string& reason, const std::string& message) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("kith");
  status.add_details()->PackFrom(info);
  return status;
}

grpc::Status RpcErrorOf(const google::rpc::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), status.message(),
          status.SerializeAsString()};
}

FakeServer::FakeServer() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.RegisterService(static_cast<v1::Collections::Service*>(this));
  builder.RegisterService(static_cast<v1::Points::Service*>(this));
  builder.RegisterService(static_cast<v1::Search::Service*>(this));
  builder.RegisterService(static_cast<v1::Operations::Service*>(this));
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() { server_->Shutdown(); }

std::string FakeServer::endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

FakeCollection& FakeServer::Add(const std::string& name, uint32_t dimension, v1::Metric metric,
                                v1::ElementType type) {
  FakeCollection& collection = collections_[name];
  collection.facts.set_collection(name);
  collection.facts.set_dimension(dimension);
  collection.facts.set_metric(metric);
  collection.facts.set_element_type(type);
  collection.facts.set_shards(1);
  collection.facts.set_incarnation("incarnation-" + std::to_string(next_version_++));
  collection.facts.set_status(v1::Collection::STATUS_GREEN);
  return collection;
}

FakeCollection* FakeServer::Find(const std::string& name) {
  const auto found = collections_.find(name);
  return found == collections_.end() ? nullptr : &found->second;
}

grpc::Status FakeServer::CreateCollection(grpc::ServerContext*,
                                          const v1::CreateCollectionRequest* request,
                                          v1::Collection* answer) {
  const std::lock_guard lock(mutex_);
  if (Find(request->collection()) != nullptr) {
    return RpcErrorOf(ItemError(6, "COLLECTION_EXISTS", "there is one already"));
  }
  if (request->dimension() == 0 || request->dimension() > 4096) {
    google::rpc::Status status = ItemError(3, "BAD_REQUEST", "dimension: must be 1 to 4096");
    google::rpc::BadRequest bad;
    bad.add_field_violations()->set_field("dimension");
    status.add_details()->PackFrom(bad);
    return RpcErrorOf(status);
  }
  *answer =
      Add(request->collection(), request->dimension(), request->metric(), request->element_type())
          .facts;
  answer->set_shards(std::max(1u, request->shards()));
  *answer->mutable_index() = request->index();
  collections_[request->collection()].facts = *answer;
  if (request->validate_only()) collections_.erase(request->collection());
  return grpc::Status::OK;
}

grpc::Status FakeServer::PlanCollection(grpc::ServerContext*,
                                        const v1::PlanCollectionRequest* request,
                                        v1::PlanCollectionResponse* answer) {
  answer->set_lists(1024);
  answer->set_steady_bytes(request->points() * request->dimension());
  answer->set_bytes_per_vector(request->dimension());
  answer->set_fits(true);
  answer->add_chosen("1024 lists: about 4 times the square root");
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetCollection(grpc::ServerContext*,
                                       const v1::GetCollectionRequest* request,
                                       v1::Collection* answer) {
  const std::lock_guard lock(mutex_);
  FakeCollection* found = Find(request->collection());
  if (found == nullptr) return NoCollection(request->collection());
  *answer = found->facts;
  answer->set_points(found->rows.size());
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListCollections(grpc::ServerContext*, const v1::ListCollectionsRequest*,
                                         v1::ListCollectionsResponse* answer) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, collection] : collections_) *answer->add_collections() = collection.facts;
  return grpc::Status::OK;
}

grpc::Status FakeServer::DeleteCollection(grpc::ServerContext*,
                                          const v1::DeleteCollectionRequest* request,
                                          v1::DeleteCollectionResponse*) {
  const std::lock_guard lock(mutex_);
  return collections_.erase(request->collection()) != 0 ? grpc::Status::OK
                                                        : NoCollection(request->collection());
}

grpc::Status FakeServer::ListIndexVersions(grpc::ServerContext*,
                                           const v1::ListIndexVersionsRequest*,
                                           v1::ListIndexVersionsResponse* answer) {
  const std::lock_guard lock(mutex_);
  *answer = versions;
  return grpc::Status::OK;
}

// The named one, or the one that waits, changes places with the first.
grpc::Status FakeServer::PromoteIndexVersion(grpc::ServerContext*,
                                             const v1::PromoteIndexVersionRequest* request,
                                             v1::ListIndexVersionsResponse* answer) {
  const std::lock_guard lock(mutex_);
  for (int i = 1; i < versions.versions_size(); ++i) {
    v1::IndexVersion& version = *versions.mutable_versions(i);
    const bool is_meant = request->version().empty()
                              ? version.state() == v1::IndexVersion::STATE_WAITING
                              : version.version() == request->version();
    if (!is_meant) continue;
    version.set_state(v1::IndexVersion::STATE_SERVING);
    versions.mutable_versions(0)->set_state(v1::IndexVersion::STATE_PREVIOUS);
    versions.mutable_versions()->SwapElements(0, i);
    *answer = versions;
    return grpc::Status::OK;
  }
  return RpcErrorOf(
      ItemError(5, "INDEX_VERSION_NOT_FOUND", "no index version " + request->version()));
}

grpc::Status FakeServer::RollbackIndexVersion(grpc::ServerContext*,
                                              const v1::RollbackIndexVersionRequest*,
                                              v1::ListIndexVersionsResponse* answer) {
  const std::lock_guard lock(mutex_);
  for (int i = 1; i < versions.versions_size(); ++i) {
    if (versions.versions(i).state() != v1::IndexVersion::STATE_PREVIOUS) continue;
    versions.mutable_versions(i)->set_state(v1::IndexVersion::STATE_SERVING);
    versions.mutable_versions(0)->set_state(v1::IndexVersion::STATE_WAITING);
    versions.mutable_versions()->SwapElements(0, i);
    *answer = versions;
    return grpc::Status::OK;
  }
  return RpcErrorOf(ItemError(9, "INDEX_VERSION_NOT_FOUND", "nothing served before"));
}

grpc::Status FakeServer::DropIndexVersion(grpc::ServerContext*,
                                          const v1::DropIndexVersionRequest* request,
                                          v1::ListIndexVersionsResponse* answer) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < versions.versions_size(); ++i) {
    if (versions.versions(i).version() != request->version()) continue;
    if (i == 0) return RpcErrorOf(ItemError(9, "INDEX_VERSION_SERVING", "it serves"));
    versions.mutable_versions()->DeleteSubrange(i, 1);
    *answer = versions;
    return grpc::Status::OK;
  }
  return RpcErrorOf(ItemError(5, "INDEX_VERSION_NOT_FOUND", "no such version"));
}

grpc::Status FakeServer::TrainIndex(grpc::ServerContext*, const v1::TrainIndexRequest* request,
                                    v1::Operation* answer) {
  const std::lock_guard lock(mutex_);
  if (Find(request->collection()) == nullptr) return NoCollection(request->collection());
  last_training = *request;
  answer->set_id("op-1");
  answer->set_kind("train");
  answer->set_collection(request->collection());
  answer->set_state(v1::Operation::STATE_RUNNING);
  answer->set_stage("sampling");
  operations_["op-1"] = *answer;
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetOperation(grpc::ServerContext*, const v1::GetOperationRequest* request,
                                      v1::Operation* answer) {
  const std::lock_guard lock(mutex_);
  *answer = on_poll(++polls_);
  answer->set_id(request->id());
  const bool is_promoted = !answer->has_promoted() || answer->promoted();
  if (answer->state() == v1::Operation::STATE_SUCCEEDED && is_promoted) {
    FakeCollection* collection = Find(operations_.at(request->id()).collection());
    collection->facts.set_serving_version(answer->result());
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListOperations(grpc::ServerContext*, const v1::ListOperationsRequest*,
                                        v1::ListOperationsResponse* answer) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, operation] : operations_) *answer->add_operations() = operation;
  return grpc::Status::OK;
}

grpc::Status FakeServer::Upsert(grpc::ServerContext*, const v1::UpsertRequest* request,
                                v1::UpsertResponse* answer) {
  uint64_t call;
  {
    const std::lock_guard lock(mutex_);
    call = ++upserts;
    in_flight_max = std::max(in_flight_max, ++in_flight_);
  }
  const grpc::Status early = on_upsert ? on_upsert(call, *request) : grpc::Status::OK;
  const std::lock_guard lock(mutex_);
  --in_flight_;
  if (!early.ok()) return early;
  FakeCollection* found = Find(request->collection());
  if (found == nullptr) return NoCollection(request->collection());
  if (request->priority() != v1::WRITE_PRIORITY_IMPORT) import_priority_only = false;
  if (!request->request_id().empty()) {
    const auto [seen, fresh] =
        found->requests.try_emplace(request->request_id(), request->SerializeAsString());
    if (!fresh && seen->second != request->SerializeAsString()) {
      return RpcErrorOf(ItemError(3, "REQUEST_ID_REUSED", "request_id: used for another body"));
    }
  }
  const size_t row_bytes = RowBytes(found->facts);
  std::vector<std::pair<std::string, StoredRow>> rows;
  const v1::PointColumns& columns = request->columns();
  for (int i = 0; i < columns.numbers_size(); ++i) {
    rows.push_back({"n" + std::to_string(columns.numbers(i)),
                    {columns.vectors().substr(static_cast<size_t>(i) * row_bytes, row_bytes),
                     columns.payloads().empty() ? "" : columns.payloads(i), 0}});
  }
  for (const v1::Point& point : request->points()) {
    rows.push_back(
        {KeyOf(point.id()), {BytesOf(point.vector(), found->facts), point.payload(), 0}});
  }
  bool refused = false;
  for (auto& [key, row] : rows) {
    google::rpc::Status status;
    if (on_point && key[0] == 'n') status = on_point(call, std::stoull(key.substr(1)));
    refused = refused || status.code() != 0;
    if (status.code() == 0) {
      row.version = next_version_++;
      found->rows[key] = row;
      answer->set_written(answer->written() + 1);
    }
    *answer->add_statuses() = status;
  }
  if (!refused) answer->clear_statuses();
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetPoints(grpc::ServerContext*, const v1::GetPointsRequest* request,
                                   v1::GetPointsResponse* answer) {
  const std::lock_guard lock(mutex_);
  FakeCollection* collection = Find(request->collection());
  if (collection == nullptr) return NoCollection(request->collection());
  for (const v1::PointId& id : request->ids()) {
    const auto found = collection->rows.find(KeyOf(id));
    if (found == collection->rows.end()) {
      *answer->add_missing() = id;
      continue;
    }
    v1::StoredPoint& point = *answer->add_points();
    *point.mutable_id() = id;
    point.set_version(found->second.version);
    if (request->with_payload()) point.set_payload(found->second.payload);
    if (request->with_vector()) point.mutable_vector()->set_data(found->second.vector);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::DeletePoints(grpc::ServerContext*, const v1::DeletePointsRequest* request,
                                      v1::DeletePointsResponse* answer) {
  const std::lock_guard lock(mutex_);
  FakeCollection* collection = Find(request->collection());
  if (collection == nullptr) return NoCollection(request->collection());
  uint64_t deleted = 0;
  for (const v1::PointId& id : request->ids()) deleted += collection->rows.erase(KeyOf(id));
  answer->set_deleted(deleted);
  return grpc::Status::OK;
}

std::vector<FakeServer::Ranked> FakeServer::Nearest(const FakeCollection& collection,
                                                    const std::string& query,
                                                    const v1::SearchParameters& parameters) const {
  const v1::ElementType type = collection.facts.element_type();
  std::vector<Ranked> ranked;
  for (const auto& [key, row] : collection.rows) {
    float sum = 0;
    for (uint32_t i = 0; i < collection.facts.dimension(); ++i) {
      const float a = ElementOf(query, i, type);
      const float b = ElementOf(row.vector, i, type);
      sum += collection.facts.metric() == v1::METRIC_L2 ? (a - b) * (a - b) : -a * b;
    }
    ranked.push_back({sum, key});
  }
  std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return std::pair(a.score, IdOf(a.key).number()) < std::pair(b.score, IdOf(b.key).number());
  });
  const size_t limit = parameters.has_limit() ? parameters.limit() : 10;
  if (ranked.size() > limit) ranked.resize(limit);
  return ranked;
}

grpc::Status FakeServer::VerifyCollection(grpc::ServerContext*,
                                          const v1::VerifyCollectionRequest* request,
                                          v1::VerifyCollectionResponse* answer) {
  const std::lock_guard lock(mutex_);
  if (Find(request->collection()) == nullptr) return NoCollection(request->collection());
  *answer = verification;
  return grpc::Status::OK;
}

grpc::Status FakeServer::Search(grpc::ServerContext* context, const v1::SearchRequest* request,
                                v1::SearchResponse* answer) {
  const std::lock_guard lock(mutex_);
  ++searches;
  peers.insert(context->peer());
  if (on_search) {
    if (const grpc::Status early = on_search(searches); !early.ok()) return early;
  }
  FakeCollection* collection = Find(request->collection());
  if (collection == nullptr) return NoCollection(request->collection());
  std::string query;
  if (request->has_point()) {
    query = collection->rows.at(KeyOf(request->point())).vector;
  } else {
    query = BytesOf(request->vector(), collection->facts);
  }
  if (query.size() != RowBytes(collection->facts)) {
    return RpcErrorOf(ItemError(3, "DIMENSION_MISMATCH", "vector: has another dimension"));
  }
  for (const Ranked& ranked : Nearest(*collection, query, request->parameters())) {
    v1::Hit& hit = *answer->add_hits();
    *hit.mutable_id() = IdOf(ranked.key);
    hit.set_score(ranked.score);
    const StoredRow& row = collection->rows.at(ranked.key);
    if (request->parameters().with_payload()) hit.set_payload(row.payload);
    if (request->parameters().with_vector()) hit.mutable_vector()->set_data(row.vector);
  }
  answer->set_score_kind(v1::SCORE_KIND_EXACT);
  answer->mutable_coverage()->set_ratio(coverage);
  if (request->parameters().explain()) Explain(*collection, *answer->mutable_explanation());
  return grpc::Status::OK;
}

grpc::Status FakeServer::SearchBatch(grpc::ServerContext* context,
                                     const v1::SearchBatchRequest* request,
                                     v1::SearchBatchResponse* answer) {
  const std::lock_guard lock(mutex_);
  ++batches;
  peers.insert(context->peer());
  FakeCollection* collection = Find(request->collection());
  if (collection == nullptr) return NoCollection(request->collection());
  const size_t row_bytes = RowBytes(collection->facts);
  for (uint32_t q = 0; q < request->count(); ++q) {
    const std::string query = request->queries().substr(q * row_bytes, row_bytes);
    const auto nearest = Nearest(*collection, query, request->parameters());
    answer->add_counts(static_cast<uint32_t>(nearest.size()));
    for (const Ranked& ranked : nearest) {
      answer->add_numbers(IdOf(ranked.key).number());
      answer->add_scores(ranked.score);
    }
  }
  answer->mutable_coverage()->set_ratio(coverage);
  return grpc::Status::OK;
}

}  // namespace kith::cli
