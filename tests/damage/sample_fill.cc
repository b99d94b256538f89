#include "tests/damage/sample_fill.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::test {
namespace {

constexpr size_t kPointsOfCall = 64;  // several calls, so that the log has several entries

// One call: invoke(grpc::ClientContext*) -> grpc::Status. Empty where it succeeded.
template <typename Invoke>
std::string Call(const char* what, Invoke invoke) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
  const grpc::Status status = invoke(&context);
  return status.ok() ? "" : fmt::format("{}: {}", what, status.error_message());
}

class Filler {
 public:
  Filler(const std::shared_ptr<grpc::Channel>& channel, const SampleCollection& collection,
         SampleStage stage)
      : collection_(collection),
        stage_(stage),
        collections_(v1::Collections::NewStub(channel)),
        operations_(v1::Operations::NewStub(channel)),
        points_(v1::Points::NewStub(channel)) {}

  std::string Run() {
    const bool is_first = stage_ == SampleStage::kFirst;
    const uint64_t begin = is_first ? 0 : collection_.points;
    const uint64_t end = is_first ? collection_.points : SampleEnd(collection_);
    std::vector<uint64_t> fresh;
    std::vector<uint64_t> again;
    std::vector<uint64_t> dead;
    for (uint64_t id = begin; id < end; ++id) fresh.push_back(id);
    for (uint64_t id = 0; id < SampleEnd(collection_); ++id) {
      if (IsRewrittenIn(collection_, id, stage_)) again.push_back(id);
      if (IsDeletedIn(collection_, id, stage_) && id < end) dead.push_back(id);
    }
    std::string wrong = is_first ? Create() : "";
    if (wrong.empty()) wrong = Upsert(fresh, Revision::kZero);
    if (wrong.empty()) wrong = Upsert(again, Revision::kOfStage);
    if (wrong.empty()) wrong = Delete(dead);
    if (wrong.empty() && is_first && collection_.is_trained) wrong = Train();
    return wrong;
  }

 private:
  enum class Revision { kZero, kOfStage };

  std::string Create() {
    v1::CreateCollectionRequest request;
    request.set_collection(collection_.name);
    request.set_dimension(collection_.dimension);
    request.set_metric(collection_.metric);
    request.set_element_type(collection_.element_type);
    request.set_shards(collection_.shards);
    const std::pair<const char*, v1::FieldType> fields[] = {{"color", v1::FIELD_TYPE_KEYWORD},
                                                            {"year", v1::FIELD_TYPE_INTEGER},
                                                            {"size", v1::FIELD_TYPE_DOUBLE},
                                                            {"fresh", v1::FIELD_TYPE_BOOLEAN}};
    for (const auto& [name, type] : fields) {
      if (!collection_.has_fields) break;
      v1::PayloadField& field = *request.add_payload_fields();
      field.set_name(name);
      field.set_type(type);
    }
    return Call("create", [&](grpc::ClientContext* context) {
      v1::Collection made;
      return collections_->CreateCollection(context, request, &made);
    });
  }

  std::string Upsert(const std::vector<uint64_t>& ids, Revision revision) {
    for (size_t begin = 0; begin < ids.size(); begin += kPointsOfCall) {
      v1::UpsertRequest request;
      request.set_collection(collection_.name);
      for (size_t i = begin; i < std::min(ids.size(), begin + kPointsOfCall); ++i) {
        const uint32_t number =
            revision == Revision::kZero ? 0 : SampleRevision(collection_, ids[i], stage_);
        v1::PointColumns& columns = *request.mutable_columns();
        columns.add_numbers(ids[i]);
        columns.mutable_vectors()->append(
            VectorBytes(collection_, SampleVector(collection_, ids[i], number)));
        columns.add_payloads(SamplePayload(collection_, ids[i], number));
      }
      const std::string wrong = Call("upsert", [&](grpc::ClientContext* context) {
        v1::UpsertResponse written;
        return points_->Upsert(context, request, &written);
      });
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  std::string Delete(const std::vector<uint64_t>& ids) {
    v1::DeletePointsRequest request;
    request.set_collection(collection_.name);
    for (const uint64_t id : ids) request.add_ids()->set_number(id);
    return Call("delete", [&](grpc::ClientContext* context) {
      v1::DeletePointsResponse deleted;
      return points_->DeletePoints(context, request, &deleted);
    });
  }

  std::string Train() {
    v1::TrainIndexRequest request;
    request.set_collection(collection_.name);
    v1::Operation operation;
    std::string wrong = Call("train", [&](grpc::ClientContext* context) {
      return collections_->TrainIndex(context, request, &operation);
    });
    while (wrong.empty() && operation.state() == v1::Operation::STATE_RUNNING) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      v1::GetOperationRequest which;
      which.set_id(operation.id());
      wrong = Call("training", [&](grpc::ClientContext* context) {
        return operations_->GetOperation(context, which, &operation);
      });
    }
    if (!wrong.empty() || operation.state() == v1::Operation::STATE_SUCCEEDED) return wrong;
    return "training: " + operation.error_message();
  }

  const SampleCollection& collection_;
  const SampleStage stage_;
  const std::unique_ptr<v1::Collections::Stub> collections_;
  const std::unique_ptr<v1::Operations::Stub> operations_;
  const std::unique_ptr<v1::Points::Stub> points_;
};

}  // namespace

std::string FillSample(const std::shared_ptr<grpc::Channel>& channel,
                       const SampleCollection& collection, SampleStage stage) {
  const std::string wrong = Filler(channel, collection, stage).Run();
  return wrong.empty() ? "" : fmt::format("{}: {}", collection.name, wrong);
}

}  // namespace kith::test
