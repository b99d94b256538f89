#include <algorithm>

#include "index/gpu/batch_graphs.cuh"

namespace kith::index::gpu {
namespace {

constexpr size_t kGraphs = 16;

// Whether the kernels would be given the same: what belongs to one index on one card moves
// together.
bool IsSame(const BatchView& a, const BatchView& b) {
  const auto same_scope = a.segments == b.segments && a.segment_count == b.segment_count &&
                          a.dead_rows == b.dead_rows && a.allowed_rows == b.allowed_rows &&
                          a.lists_given == b.lists_given;
  const auto same_place = a.slab.codes == b.slab.codes &&
                          a.quantizer.panels == b.quantizer.panels && a.records == b.records &&
                          a.entries == b.entries;
  return same_scope && same_place && a.queries == b.queries && a.hits_max == b.hits_max &&
         a.capacity == b.capacity && a.probes_max == b.probes_max;
}

bool IsSame(const BatchLaunch& a, const BatchLaunch& b) {
  return a.slices == b.slices && a.rounds == b.rounds;
}

}  // namespace

void BatchGraphs::Clear() {
  for (const Graph& one : graphs_) (void)cudaGraphExecDestroy(one.graph);
  graphs_.clear();
}

cudaError_t BatchGraphs::Capture(const BatchView& batch, const BatchLaunch& launch,
                                 cudaStream_t stream) {
  cudaError_t error = cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  if (error != cudaSuccess) return error;
  const cudaError_t launched = LaunchBatch(batch, launch, stream);
  cudaGraph_t captured = nullptr;
  error = cudaStreamEndCapture(stream, &captured);
  if (launched != cudaSuccess) error = launched;
  Graph graph = {batch, launch, nullptr};
  if (error == cudaSuccess) error = cudaGraphInstantiate(&graph.graph, captured, 0);
  if (captured != nullptr) (void)cudaGraphDestroy(captured);
  if (error != cudaSuccess) return error;
  if (graphs_.size() == kGraphs) {
    (void)cudaGraphExecDestroy(graphs_.front().graph);
    graphs_.erase(graphs_.begin());
  }
  graphs_.push_back(graph);
  return cudaSuccess;
}

cudaError_t BatchGraphs::Launch(const BatchView& batch, const BatchLaunch& launch,
                                cudaStream_t stream) {
  if (launch.slices == 1) return LaunchBatch(batch, launch, stream);
  const auto known = std::find_if(graphs_.begin(), graphs_.end(), [&](const Graph& one) {
    return IsSame(one.batch, batch) && IsSame(one.launch, launch);
  });
  if (known != graphs_.end()) {
    std::rotate(known, known + 1, graphs_.end());
  } else if (const cudaError_t error = Capture(batch, launch, stream); error != cudaSuccess) {
    return error;
  }
  return cudaGraphLaunch(graphs_.back().graph, stream);
}

}  // namespace kith::index::gpu
