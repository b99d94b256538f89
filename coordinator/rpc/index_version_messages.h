#ifndef KITH_COORDINATOR_RPC_INDEX_VERSION_MESSAGES_H_
#define KITH_COORDINATOR_RPC_INDEX_VERSION_MESSAGES_H_

#include <string>
#include <vector>

#include "coordinator/admin/index_version_service.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/operations.pb.h"

// The figures of index versions as messages.
namespace kith::coordinator::rpc {

void CurveToProto(const std::vector<RecallMeasure>& curve,
                  google::protobuf::RepeatedPtrField<v1::RecallPoint>* to);
void HealthToProto(const IndexHealth& health, v1::IndexHealth* to);
// `trained` names the version that was trained.
void ComparisonToProto(const RecallComparison& comparison, const std::string& trained,
                       v1::RecallComparison* to);
void VersionsToProto(const IndexVersionViews& views, v1::ListIndexVersionsResponse* to);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_INDEX_VERSION_MESSAGES_H_
