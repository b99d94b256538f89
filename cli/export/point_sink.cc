#include "cli/export/point_sink.h"

#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <utility>

#include "cli/client/wire.h"
#include "cli/console/terminal.h"
#include "cli/data/row_writer.h"
#include "cli/export/ids_writer.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

FileElement StoredElement(ElementType type) {
  return type == ElementType::kU8    ? FileElement::kU8
         : type == ElementType::kF16 ? FileElement::kF16
                                     : FileElement::kF32;
}

absl::Status CheckVector(const v1::StoredPoint& point, const VectorSchema& schema) {
  if (point.vector().data().size() == schema.row_bytes()) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("the server sent point {} with a vector of {} bytes, "
                  "expected {}",
                  IdText(point.id()), point.vector().data().size(), schema.row_bytes()));
}

absl::StatusOr<PointKey> KeyOf(const v1::PointId& id) {
  if (id.id_case() == v1::PointId::kNumber) return PointKey::FromNumber(id.number());
  if (id.uuid().size() == 16) return PointKey::FromUuid(id.uuid());
  return absl::InternalError("the server sent a point without an id");
}

class VectorSink final : public PointSink {
 public:
  VectorSink(std::string path, VectorSchema schema, RowWriter rows, IdsWriter ids)
      : path_(std::move(path)), schema_(schema), rows_(std::move(rows)), ids_(std::move(ids)) {}

  absl::Status Add(const v1::StoredPoint& point) override {
    KITH_RETURN_IF_ERROR(CheckVector(point, schema_));
    KITH_ASSIGN_OR_RETURN(const PointKey key, KeyOf(point.id()));
    KITH_RETURN_IF_ERROR(ids_.Append(key));
    const std::string& data = point.vector().data();
    if (rows_.element() == StoredElement(schema_.element_type)) {
      return rows_.Append(std::as_bytes(std::span(data)));
    }
    KITH_ASSIGN_OR_RETURN(const std::vector<float> widened,
                          Elements(point.vector(), schema_.element_type));
    return rows_.Append(std::as_bytes(std::span(widened)));
  }

  // Never the vectors of one export beside the ids of another: the older vectors go first.
  absl::Status Commit() override {
    KITH_RETURN_IF_ERROR(ids_.Finish());
    KITH_RETURN_IF_ERROR(rows_.Finish());
    std::remove(path_.c_str());
    KITH_RETURN_IF_ERROR(ids_.Commit());
    return rows_.Commit();
  }
  uint64_t bytes() const override { return rows_.bytes(); }
  std::vector<std::string> files() const override { return {path_, IdsPath(path_)}; }
  bool keeps_payloads() const override { return false; }

 private:
  const std::string path_;
  const VectorSchema schema_;
  RowWriter rows_;
  IdsWriter ids_;
};

class JsonlSink final : public PointSink {
 public:
  JsonlSink(std::string path, VectorSchema schema, OutputFile file)
      : path_(std::move(path)), schema_(schema), output_(std::move(file)) {}

  absl::Status Add(const v1::StoredPoint& point) override {
    KITH_RETURN_IF_ERROR(CheckVector(point, schema_));
    KITH_ASSIGN_OR_RETURN(const std::string line, JsonLine(point, schema_.element_type));
    return output_.Append(std::as_bytes(std::span(line)));
  }
  absl::Status Commit() override {
    KITH_RETURN_IF_ERROR(output_.Flush());
    return output_.Commit();
  }
  uint64_t bytes() const override { return output_.bytes(); }
  std::vector<std::string> files() const override { return {path_}; }
  bool keeps_payloads() const override { return true; }

 private:
  const std::string path_;
  const VectorSchema schema_;
  BufferedOutput output_;
};

// Only to what holds every value: itself, or f32.
absl::Status CheckWidens(const VectorFormat& format, const VectorSchema& schema) {
  const bool same = format.element == StoredElement(schema.element_type);
  if (same || format.element == FileElement::kF32) return absl::OkStatus();
  return UsageError("--format", fmt::format("{} would lose what {} elements hold; use fbin, fvecs, "
                                            "npy or jsonl",
                                            format.name, NameOf(schema.element_type)));
}

}  // namespace

std::string IdsPath(const std::string& path) { return path + ".ids.npy"; }

absl::StatusOr<std::unique_ptr<PointSink>> OpenPointSink(const std::string& path,
                                                         const VectorFormat& format,
                                                         const VectorSchema& schema) {
  if (format.is_text()) {
    KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
    return std::make_unique<JsonlSink>(path, schema, std::move(file));
  }
  KITH_RETURN_IF_ERROR(CheckWidens(format, schema));
  KITH_ASSIGN_OR_RETURN(
      RowWriter rows,
      RowWriter::Create(path, format, StoredElement(schema.element_type), schema.dimension));
  KITH_ASSIGN_OR_RETURN(IdsWriter ids, IdsWriter::Create(IdsPath(path)));
  return std::make_unique<VectorSink>(path, schema, std::move(rows), std::move(ids));
}

}  // namespace kith::cli
