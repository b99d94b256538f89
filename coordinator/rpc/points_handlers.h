#ifndef KITH_COORDINATOR_RPC_POINTS_HANDLERS_H_
#define KITH_COORDINATOR_RPC_POINTS_HANDLERS_H_

#include <chrono>

#include "common/base/limits.h"
#include "common/rpc/unary_handler.h"
#include "coordinator/read/get_service.h"
#include "coordinator/read/scroll_service.h"
#include "coordinator/rpc/payload_messages.h"
#include "coordinator/write/write_service.h"
#include "kith/v1/points.grpc.pb.h"

namespace kith::coordinator::rpc {

// kith.v1.Points: convert in, call, convert out. Threads: any.
class PointsHandlers final : public v1::Points::CallbackService {
 public:
  struct Services {
    const WriteService& write;
    const GetService& get;
    const ScrollService& scroll;
    std::chrono::milliseconds stream_stall{limits::kStreamStallMs};
  };
  PointsHandlers(Services services, const kith::rpc::UnaryCalls& calls)
      : services_(services), calls_(calls) {}

  grpc::ServerUnaryReactor* Upsert(grpc::CallbackServerContext* context,
                                   const v1::UpsertRequest* request,
                                   v1::UpsertResponse* response) override;
  grpc::ServerBidiReactor<v1::StreamUpsertRequest, v1::StreamUpsertResponse>* StreamUpsert(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetPoints(grpc::CallbackServerContext* context,
                                      const v1::GetPointsRequest* request,
                                      v1::GetPointsResponse* response) override;
  grpc::ServerUnaryReactor* DeletePoints(grpc::CallbackServerContext* context,
                                         const v1::DeletePointsRequest* request,
                                         v1::DeletePointsResponse* response) override;
  grpc::ServerUnaryReactor* SetPayload(grpc::CallbackServerContext* context,
                                       const v1::SetPayloadRequest* request,
                                       v1::ChangePayloadResponse* response) override;
  grpc::ServerUnaryReactor* ClearPayload(grpc::CallbackServerContext* context,
                                         const v1::ClearPayloadRequest* request,
                                         v1::ChangePayloadResponse* response) override;
  grpc::ServerUnaryReactor* FacetPoints(grpc::CallbackServerContext* context,
                                        const v1::FacetPointsRequest* request,
                                        v1::FacetPointsResponse* response) override;
  grpc::ServerUnaryReactor* CountPoints(grpc::CallbackServerContext* context,
                                        const v1::CountPointsRequest* request,
                                        v1::CountPointsResponse* response) override;
  grpc::ServerUnaryReactor* ScrollPoints(grpc::CallbackServerContext* context,
                                         const v1::ScrollPointsRequest* request,
                                         v1::ScrollPointsResponse* response) override;

 private:
  // Every call: converts the request, gives what it asks for the call's deadline, and hands that to
  // `send`, with what finishes the call.
  template <typename Request, typename Send>
  grpc::ServerUnaryReactor* Ask(const char* method, grpc::CallbackServerContext* context,
                                const Request* request, Send send);
  // How many points a delete by a filter would take, and some of them.
  void DryRun(const SelectedWriteCall& call, uint32_t sample, v1::DeletePointsResponse* response,
              kith::rpc::FinishCall finish) const;
  void Change(const ChangeChoice& choice, v1::ChangePayloadResponse* response,
              kith::rpc::FinishCall finish) const;

  const Services services_;
  const kith::rpc::UnaryCalls& calls_;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_POINTS_HANDLERS_H_
