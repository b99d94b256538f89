#include "tests/chaos/crash_workload.h"

#include <random>

#include "common/base/clock.h"
#include "common/base/limits.h"

namespace kith::test {

std::vector<Operation> OperationsOf(uint64_t request) {
  std::mt19937_64 random(request);
  std::vector<Operation> operations(1 + random() % 40);
  for (Operation& operation : operations) {
    operation.id = random() % kIds;
    operation.is_delete = random() % 4 == 0;
  }
  return operations;
}

std::vector<float> VectorOf(uint64_t id, uint64_t request) {
  std::mt19937_64 random(id * 1'000'003 + request);
  std::vector<float> vector(kDimension);
  for (float& value : vector) value = static_cast<float>(random() % 1000) / 10;
  return vector;
}

WriteCall CallOf(uint64_t request) {
  WriteCall call;
  call.shard = kShard;
  call.incarnation = CrashSpec().incarnation;
  call.request_id.assign(limits::kRequestIdBytes, '\0');
  for (int i = 0; i < 8; ++i) call.request_id[i] = static_cast<char>(request >> (8 * i));
  call.body_hash = call.request_id;
  call.unix_ms = SystemClock().UnixMs();
  for (const Operation& operation : OperationsOf(request)) {
    call.keys.append(PointKey::FromNumber(operation.id).view());
    call.kinds.push_back(operation.is_delete ? WriteKind::kDelete : WriteKind::kUpsert);
    if (operation.is_delete) continue;
    const std::vector<float> vector = VectorOf(operation.id, request);
    call.vectors.append(reinterpret_cast<const char*>(vector.data()), kDimension * sizeof(float));
    call.payload_sizes.push_back(sizeof(request));
    call.payloads.append(reinterpret_cast<const char*>(&request), sizeof(request));
  }
  return call;
}

ShardSpec CrashSpec() {
  ShardSpec spec;
  spec.shard = kShard;
  spec.collection = "crash";
  spec.incarnation.bytes[0] = 1;
  spec.dimension = kDimension;
  spec.slots = {{0, limits::kSlots}};
  return spec;
}

void Advance(Model& model, uint64_t request) {
  for (const Operation& operation : OperationsOf(request)) {
    if (operation.is_delete) {
      model.erase(operation.id);
    } else {
      model[operation.id] = request;
    }
  }
}

}  // namespace kith::test
