#include "coordinator/rpc/duplicate_messages.h"

#include "coordinator/rpc/point_messages.h"

namespace kith::coordinator::rpc {

DuplicatesCall DuplicatesFromProto(const v1::FindDuplicatesRequest& request) {
  DuplicatesCall call;
  call.collection = request.collection();
  if (request.has_max_distance()) call.max_distance = request.max_distance();
  if (request.has_min_score()) call.min_score = request.min_score();
  if (request.has_target_recall()) call.target_recall = request.target_recall();
  call.exact = request.exact();
  return call;
}

void DuplicatesToProto(const DuplicatesPage& page, v1::ListDuplicatesResponse* response) {
  for (size_t i = page.begin; i < page.end; ++i) {
    const DuplicateCluster& cluster = page.found->clusters[i];
    v1::DuplicateCluster* const to = response->add_clusters();
    for (size_t at = 0; at < cluster.keys.size(); at += PointKey::kSize) {
      KeyToProto(PointKey::FromBytes(cluster.keys.data() + at), to->add_ids());
    }
    to->set_nearest_score(ScoreFromRank(page.metric, cluster.rank));
  }
  response->set_next_page_token(page.next_page_token);
}

}  // namespace kith::coordinator::rpc
