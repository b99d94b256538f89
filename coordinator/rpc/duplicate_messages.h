#ifndef KITH_COORDINATOR_RPC_DUPLICATE_MESSAGES_H_
#define KITH_COORDINATOR_RPC_DUPLICATE_MESSAGES_H_

#include "coordinator/duplicates/duplicate_service.h"
#include "kith/v1/search.pb.h"

namespace kith::coordinator::rpc {

DuplicatesCall DuplicatesFromProto(const v1::FindDuplicatesRequest& request);
void DuplicatesToProto(const DuplicatesPage& page, v1::ListDuplicatesResponse* response);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_DUPLICATE_MESSAGES_H_
