// The card behind the CUDA runtime. Nothing above it knows of CUDA.
#include <cuda_runtime.h>

#include <algorithm>
#include <utility>

#include "index/gpu/batch_graphs.cuh"
#include "index/gpu/card.h"
#include "index/gpu/kernels.cuh"

namespace kith::index::gpu {
namespace {

std::string VersionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

CardReport ReportOf(int ordinal) {
  CardReport report;
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, ordinal) != cudaSuccess) return report;
  report.ordinal = static_cast<uint32_t>(ordinal);
  report.name = properties.name;
  report.multiprocessors = static_cast<uint32_t>(properties.multiProcessorCount);
  report.capability = static_cast<uint32_t>(properties.major * 10 + properties.minor);
  report.total_bytes = properties.totalGlobalMem;
  report.block_shared_bytes = properties.sharedMemPerBlockOptin;
  int driver = 0;
  int runtime = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  report.driver = VersionText(driver);
  report.runtime = VersionText(runtime);
  return report;
}

// Why there is no card, from what the runtime says.
std::string AbsenceOf(cudaError_t error) {
  int driver = 0;
  int runtime = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "there is no NVIDIA driver on this machine";
  if (error == cudaErrorInsufficientDriver) {
    return "the driver is for CUDA " + VersionText(driver) + ", this program needs " +
           VersionText(runtime) + " or newer";
  }
  if (error == cudaSuccess || error == cudaErrorNoDevice) return "the driver finds no card";
  return std::string("the driver finds no card: ") + cudaGetErrorString(error);
}

class CudaCard final : public Card {
 public:
  CudaCard(int ordinal, cudaStream_t stream) : ordinal_(ordinal), stream_(stream) {}
  ~CudaCard() override {
    (void)cudaSetDevice(ordinal_);
    graphs_.Clear();
    for (cudaEvent_t event : events_) {
      if (event != nullptr) (void)cudaEventDestroy(event);
    }
    (void)cudaStreamDestroy(stream_);
  }

  CardReport report() const override {
    (void)cudaSetDevice(ordinal_);
    CardReport report = ReportOf(ordinal_);
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    if (cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess) report.free_bytes = free_bytes;
    return report;
  }

  Result<void*> Allocate(uint64_t bytes) override {
    void* memory = nullptr;
    return Allocated(bytes, "the card's memory", memory,
                     Enter() == cudaSuccess ? cudaMalloc(&memory, bytes) : failure_);
  }
  void Free(void* memory) override {
    (void)cudaSetDevice(ordinal_);
    (void)cudaFree(memory);
  }
  Result<void*> AllocatePinned(uint64_t bytes) override {
    void* memory = nullptr;
    return Allocated(bytes, "pinned memory", memory,
                     Enter() == cudaSuccess ? cudaMallocHost(&memory, bytes) : failure_);
  }
  void FreePinned(void* memory) override { (void)cudaFreeHost(memory); }

  Status CopyIn(const CardCopy& copy) override { return Copy(copy, cudaMemcpyHostToDevice); }
  Status CopyOut(const CardCopy& copy) override { return Copy(copy, cudaMemcpyDeviceToHost); }
  Status Clear(void* memory, uint64_t bytes) override {
    if (Enter() != cudaSuccess) return Lost();
    return Checked(cudaMemsetAsync(memory, 0, bytes, stream_));
  }
  Status Prepare(const ScanShape& shape) override {
    if (Enter() != cudaSuccess) return Lost();
    return Checked(PrepareKernels(shape));
  }
  Status Run(const BatchView& batch, const BatchLaunch& launch) override {
    if (Enter() != cudaSuccess) return Lost();
    return Checked(graphs_.Launch(batch, launch, stream_));
  }
  Result<uint64_t> Mark() override {
    if (Enter() != cudaSuccess) return Lost();
    cudaEvent_t& event = events_[++marks_ % kEvents];
    Status status;
    if (event == nullptr) {
      status = Checked(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    }
    if (status.ok()) status = Checked(cudaEventRecord(event, stream_));
    if (!status.ok()) return status;
    return marks_;
  }
  // An old mark's event stands for a later one by now, which is done no earlier.
  Result<bool> IsDone(uint64_t mark) override {
    if (Enter() != cudaSuccess) return Lost();
    const cudaError_t error = cudaEventQuery(events_[mark % kEvents]);
    if (error == cudaErrorNotReady) return false;
    const Status status = Checked(error);
    if (!status.ok()) return status;
    return true;
  }
  Status Await(uint64_t mark) override {
    if (Enter() != cudaSuccess) return Lost();
    return Checked(cudaEventSynchronize(events_[mark % kEvents]));
  }
  Status Wait() override {
    if (Enter() != cudaSuccess) return Lost();
    return Checked(cudaStreamSynchronize(stream_));
  }

 private:
  // A card belongs to whichever thread uses it now.
  cudaError_t Enter() {
    if (failure_ == cudaSuccess) failure_ = cudaSetDevice(ordinal_);
    return failure_;
  }
  Status Lost() const {
    return {Code::kFailedPrecondition, kCardLost,
            "card " + std::to_string(ordinal_) + " failed: " + cudaGetErrorString(failure_)};
  }
  Status Checked(cudaError_t error) {
    if (error == cudaSuccess) return {};
    failure_ = error;
    return Lost();
  }
  Status Copy(const CardCopy& copy, cudaMemcpyKind kind) {
    if (copy.bytes == 0) return {};
    if (Enter() != cudaSuccess) return Lost();
    return Checked(cudaMemcpyAsync(copy.to, copy.from, copy.bytes, kind, stream_));
  }
  Result<void*> Allocated(uint64_t bytes, const char* what, void* memory, cudaError_t error) {
    if (error == cudaSuccess) return memory;
    if (error != cudaErrorMemoryAllocation) return Checked(error);
    (void)cudaGetLastError();  // not one that stays
    return Status(Code::kResourceExhausted, kCardFull,
                  std::string(what) + " has no " + std::to_string(bytes) + " bytes left; " +
                      std::to_string(report().free_bytes) + " bytes of the card are free");
  }

  const int ordinal_;
  const cudaStream_t stream_;
  cudaError_t failure_ = cudaSuccess;
  static constexpr uint64_t kEvents = 8;
  cudaEvent_t events_[kEvents] = {};
  uint64_t marks_ = 0;
  BatchGraphs graphs_;
};

}  // namespace

CardsFound FindCards() {
  CardsFound found;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) count = 0;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    CardReport report = ReportOf(ordinal);
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    if (cudaSetDevice(ordinal) == cudaSuccess &&
        cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess) {
      report.free_bytes = free_bytes;
    }
    found.cards.push_back(std::move(report));
  }
  if (found.cards.empty()) found.absence = AbsenceOf(error);
  return found;
}

Result<std::unique_ptr<Card>> OpenCard(uint32_t ordinal) {
  int count = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  const int number = static_cast<int>(ordinal);
  if (counted != cudaSuccess || number >= count) {
    const std::string why = count == 0 || counted != cudaSuccess
                                ? AbsenceOf(counted)
                                : "there are " + std::to_string(count) + " cards, from 0";
    return Status(Code::kFailedPrecondition, kCardAbsent,
                  "no card " + std::to_string(ordinal) + ": " + why);
  }
  cudaStream_t stream = nullptr;
  cudaError_t error = cudaSetDevice(number);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  if (error != cudaSuccess) {
    return Status(Code::kFailedPrecondition, kCardLost,
                  "card " + std::to_string(ordinal) + ": " + cudaGetErrorString(error));
  }
  return std::unique_ptr<Card>(std::make_unique<CudaCard>(number, stream));
}

}  // namespace kith::index::gpu
