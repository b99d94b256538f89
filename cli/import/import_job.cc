#include "cli/import/import_job.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <utility>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/upsert_pipeline.h"
#include "cli/client/wire.h"
#include "cli/console/interrupt.h"
#include "cli/console/progress.h"
#include "cli/dataset/generated_reader.h"
#include "cli/import/identified_reader.h"
#include "cli/import/import_lock.h"
#include "cli/import/import_source.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kRequestBytesMax = 60 << 20;  // of vectors; leaves room for the rest

absl::Status Changed(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
               fmt::format("{}: an import of this file stopped half way, but {}; --restart begins "
                           "it anew",
                           path, what));
}

absl::Status CheckOptions(const ImportOptions& options, const FileShape& shape,
                          const VectorSchema& schema) {
  if (options.batch * schema.row_bytes() > kRequestBytesMax) {
    return UsageError("--batch", fmt::format("{} rows of {} bytes are more than the {} bytes of "
                                             "one call; the largest batch here is {}",
                                             options.batch, schema.row_bytes(), kRequestBytesMax,
                                             kRequestBytesMax / schema.row_bytes()));
  }
  if (!shape.rows.has_value() && options.first_id != 0) {
    return UsageError("--first-id", "the rows of a text file have ids of their own");
  }
  if (!options.ids.empty() && !shape.rows.has_value()) {
    return UsageError("--ids", "the rows of a text file have ids of their own");
  }
  if (!options.ids.empty() && options.first_id != 0) {
    return UsageError("--first-id", "the rows have the ids of --ids");
  }
  if (shape.rows.value_or(0) > std::numeric_limits<uint64_t>::max() - options.first_id) {
    return UsageError("--first-id", "the last row's id would be beyond 2^64-1");
  }
  return absl::OkStatus();
}

ImportProgress NewProgress(const ImportOptions& options, const Hash128& identity,
                           const std::string& incarnation, const std::string& rejects) {
  ImportProgress progress;
  progress.file_identity = identity;
  progress.import_id = Uuid::Random().bytes;
  progress.incarnation = incarnation;
  progress.first_id = options.first_id;
  progress.rejects_path = rejects;
  return progress;
}

absl::StatusOr<Hash128> IdentityOf(const ImportOptions& options) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile file, ReadOnlyFile::Open(options.file));
  KITH_ASSIGN_OR_RETURN(const Hash128 identity, FileIdentity(file));
  if (options.ids.empty()) return identity;
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile ids, ReadOnlyFile::Open(options.ids));
  KITH_ASSIGN_OR_RETURN(const Hash128 ids_identity, FileIdentity(ids));
  return HashOf(ToHex(identity) + ToHex(ids_identity));
}

absl::StatusOr<std::unique_ptr<VectorReader>> OpenRows(const ImportOptions& options,
                                                       const VectorSchema& schema) {
  KITH_ASSIGN_OR_RETURN(auto vectors, OpenVectors(options.file, schema.dimension));
  KITH_RETURN_IF_ERROR(CheckFits(options.file, vectors->shape(), schema));
  KITH_RETURN_IF_ERROR(CheckOptions(options, vectors->shape(), schema));
  if (options.ids.empty()) return vectors;
  KITH_ASSIGN_OR_RETURN(IdsFile ids, IdsFile::Open(options.ids));
  return IdentifiedReader::Open(std::move(vectors), std::move(ids));
}

// What an earlier import left, where it is still true, or a new beginning.
absl::StatusOr<ImportProgress> FindProgress(const ImportOptions& options, const ImportPaths& paths,
                                            const std::string& incarnation, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const Hash128 identity, IdentityOf(options));
  const ImportProgress anew = NewProgress(options, identity, incarnation, paths.rejects);
  if (options.restart) return anew;
  KITH_ASSIGN_OR_RETURN(std::optional<ImportProgress> found, LoadProgress(paths.progress));
  if (!found.has_value()) return anew;
  if (found->incarnation != incarnation) {
    terminal.err << fmt::format(
        "kith: {} belongs to an earlier collection of that name; the "
        "import begins anew\n",
        paths.progress);
    return anew;
  }
  if (found->file_identity != identity)
    return Changed(options.file, options.ids.empty()
                                     ? "the file was changed since"
                                     : "it or the file of its ids was changed since");
  if (found->first_id != options.first_id) {
    return Changed(options.file, fmt::format("with --first-id {}", found->first_id));
  }
  if (found->rejects_bytes > 0 && found->rejects_path != paths.rejects) {
    return Changed(options.file, fmt::format("with --rejects {}", found->rejects_path));
  }
  terminal.err << fmt::format("kith: going on from row {} ({} written before)\n",
                              WithThousands(found->position.row), WithThousands(found->written));
  return *std::move(found);
}

std::string_view HowToGoOn(const absl::Status& status, const ImportSource& source) {
  if (source.file_is_broken()) {
    return "the rows before it are imported; mend the file, then begin anew with --restart";
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return "the progress is kept, but the same command will fail there until the cause is gone";
    default:
      return "the same command goes on from there";
  }
}

absl::Status WithHowToGoOn(const absl::Status& status, const ImportSource& source) {
  absl::Status result(
      status.code(),
      fmt::format("the import stopped before row {}: {}; {}", source.progress().position.row,
                  std::string(status.message()), HowToGoOn(status, source)));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { result.SetPayload(url, value); });
  return result;
}

}  // namespace

absl::StatusOr<ImportSummary> RunImport(const ImportOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const auto collection, FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  KITH_ASSIGN_OR_RETURN(const auto reader, OpenRows(options, schema));
  KITH_ASSIGN_OR_RETURN(const ImportPaths paths, ChooseImportPaths(options));
  KITH_ASSIGN_OR_RETURN(const ImportLock lock, ImportLock::Take(paths.progress));
  KITH_ASSIGN_OR_RETURN(ImportProgress progress,
                        FindProgress(options, paths, collection.incarnation(), terminal));
  if (progress.position != FilePosition{}) KITH_RETURN_IF_ERROR(reader->Seek(progress.position));

  ImportSummary summary;
  summary.resumed_at = progress.position.row;
  ImportSource source({options.collection, paths.progress, paths.rejects, schema, options.batch},
                      *reader, std::move(progress), terminal);
  KITH_RETURN_IF_ERROR(source.Begin());
  UpsertPipelineOptions pipeline_options;
  pipeline_options.in_flight = options.in_flight;
  pipeline_options.patience = options.patience;
  UpsertPipeline pipeline(channel, pipeline_options, interrupt);
  const absl::Status ran = pipeline.Run(source);
  const absl::Status ended = ran.ok() ? source.EndComplete() : source.EndInterrupted();
  if (!ran.ok()) return WithHowToGoOn(ran, source);
  KITH_RETURN_IF_ERROR(ended);

  summary.written = source.progress().written;
  summary.rejected = source.progress().rejected;
  summary.written_now = source.written_now();
  summary.retries = pipeline.retries();
  summary.seconds = source.seconds();
  summary.rejects_path = paths.rejects;
  return summary;
}

}  // namespace kith::cli
