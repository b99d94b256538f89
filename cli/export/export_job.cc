#include "cli/export/export_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/point_pages.h"
#include "cli/client/wire.h"
#include "cli/console/interrupt.h"
#include "cli/console/progress.h"
#include "cli/data/vector_format.h"
#include "cli/export/point_sink.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::StatusOr<const VectorFormat*> FormatOf(const ExportOptions& options) {
  const VectorFormat* const format =
      options.format.empty() ? FormatOfPath(options.file) : FindFormat(options.format);
  if (format != nullptr) return format;
  if (!options.format.empty()) {
    return UsageError("--format", fmt::format("\"{}\" is none of {} (without the dot)",
                                              options.format, AllEndings()));
  }
  return UsageError("--format",
                    fmt::format("the name of {} says no format; end it in one of {}, or "
                                "name one",
                                options.file, AllEndings()));
}

absl::Status CheckExisting(const ExportOptions& options, const VectorFormat& format) {
  if (options.existing == ExportOptions::Existing::kReplace) return absl::OkStatus();
  std::vector<std::string> paths = {options.file};
  if (!format.is_text()) paths.push_back(IdsPath(options.file));
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
                 fmt::format("{}: is there already; --force replaces it", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CountPoints(const std::shared_ptr<grpc::Channel>& channel,
                                     const std::string& collection) {
  const auto stub = v1::Points::NewStub(channel);
  v1::CountPointsRequest request;
  request.set_collection(collection);
  v1::CountPointsResponse answer;
  KITH_RETURN_IF_ERROR(CallServer(kCallDeadline, [&](grpc::ClientContext* context) {
    return stub->CountPoints(context, request, &answer);
  }));
  return answer.count();
}

absl::StatusOr<uint64_t> CopyPoints(PointPages& pages, uint64_t expected, PointSink& sink,
                                    Progress& progress) {
  uint64_t points = 0;
  while (!pages.at_end()) {
    KITH_ASSIGN_OR_RETURN(const v1::ScrollPointsResponse page, pages.Next());
    for (const v1::StoredPoint& point : page.points()) KITH_RETURN_IF_ERROR(sink.Add(point));
    points += static_cast<uint64_t>(page.points_size());
    progress.UpdateFrom([&] {
      const double share =
          static_cast<double>(points) / static_cast<double>(std::max<uint64_t>(1, expected));
      return Progress::State{
          std::min(1.0, share),
          fmt::format("{} points, {}", WithThousands(points), ShortBytes(sink.bytes()))};
    });
  }
  progress.Finish(
      {1, fmt::format("{} points, {}", WithThousands(points), ShortBytes(sink.bytes()))});
  return points;
}

}  // namespace

absl::StatusOr<ExportSummary> RunExport(const ExportOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const VectorFormat* const format, FormatOf(options));
  KITH_RETURN_IF_ERROR(CheckExisting(options, *format));
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const auto collection, FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  KITH_ASSIGN_OR_RETURN(const uint64_t before, CountPoints(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const auto sink, OpenPointSink(options.file, *format, schema));
  PointPages pages(
      channel, {options.collection, options.page, true, sink->keeps_payloads(), options.patience},
      interrupt);
  ExportSummary summary;
  {
    Progress progress("export", terminal);
    KITH_ASSIGN_OR_RETURN(summary.points, CopyPoints(pages, before, *sink, progress));
    summary.seconds = progress.seconds();
  }
  if (summary.points == 0) {
    return Error(
        absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
        fmt::format("collection {} has no points: there is nothing to export", options.collection));
  }
  KITH_ASSIGN_OR_RETURN(const uint64_t after, CountPoints(channel, options.collection));
  if (before != summary.points || after != summary.points) {
    terminal.err << fmt::format(
        "kith: {} was written to meanwhile: it had {} points before and {} after, {} are in the "
        "file. Those that were there throughout are\n",
        options.collection, WithThousands(before), WithThousands(after),
        WithThousands(summary.points));
  }
  KITH_RETURN_IF_ERROR(sink->Commit());
  summary.retries = pages.retries();
  summary.files = sink->files();
  return summary;
}

}  // namespace kith::cli
