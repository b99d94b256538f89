#include <iterator>

#include "tests/unit/cli/fake_server.h"

namespace kith::cli {

grpc::Status FakeServer::CountPoints(grpc::ServerContext*, const v1::CountPointsRequest* request,
                                     v1::CountPointsResponse* answer) {
  const std::lock_guard lock(mutex_);
  const FakeCollection* found = Find(request->collection());
  if (found == nullptr) return RpcErrorOf(ItemError(5, "COLLECTION_NOT_FOUND", "no collection"));
  answer->set_count(found->rows.size());
  return grpc::Status::OK;
}

grpc::Status FakeServer::ScrollPoints(grpc::ServerContext*, const v1::ScrollPointsRequest* request,
                                      v1::ScrollPointsResponse* answer) {
  const std::lock_guard lock(mutex_);
  ++pages;
  if (on_page) {
    if (const grpc::Status early = on_page(pages); !early.ok()) return early;
  }
  const FakeCollection* found = Find(request->collection());
  if (found == nullptr) return RpcErrorOf(ItemError(5, "COLLECTION_NOT_FOUND", "no collection"));
  const uint32_t limit = request->has_limit() ? request->limit() : 100;
  for (auto at = found->rows.upper_bound(request->page_token()); at != found->rows.end(); ++at) {
    if (answer->points_size() == static_cast<int>(limit)) {
      answer->set_next_page_token(std::prev(at)->first);
      break;
    }
    v1::StoredPoint& point = *answer->add_points();
    const auto& [key, row] = *at;
    if (key[0] == 'n') {
      point.mutable_id()->set_number(std::stoull(key.substr(1)));
    } else {
      point.mutable_id()->set_uuid(key.substr(1));
    }
    point.set_version(row.version);
    if (request->with_vector()) point.mutable_vector()->set_data(row.vector);
    if (request->with_payload()) point.set_payload(row.payload);
  }
  return grpc::Status::OK;
}

}  // namespace kith::cli
