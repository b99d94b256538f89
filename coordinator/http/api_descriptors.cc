#include "coordinator/http/api_descriptors.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "common/base/status.h"

namespace kith::http {

// Made by embed.cmake from the descriptor set of proto/CMakeLists.txt.
extern const unsigned char kApiDescriptorBytes[];
extern const size_t kApiDescriptorSize;

namespace {

constexpr char kUrlPrefix[] = "type.googleapis.com";

}  // namespace

absl::StatusOr<std::unique_ptr<ApiDescriptors>> ApiDescriptors::Load() {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(kApiDescriptorBytes, static_cast<int>(kApiDescriptorSize))) {
    return absl::InternalError("the embedded descriptors cannot be read");
  }
  auto api = std::unique_ptr<ApiDescriptors>(new ApiDescriptors());
  for (const google::protobuf::FileDescriptorProto& proto : set.file()) {
    const google::protobuf::FileDescriptor* const file = api->pool_.BuildFile(proto);
    if (file == nullptr) return absl::InternalError("the embedded descriptors do not fit together");
    for (int i = 0; i < file->service_count(); ++i) api->services_.push_back(file->service(i));
  }
  api->resolver_.reset(
      google::protobuf::util::NewTypeResolverForDescriptorPool(kUrlPrefix, &api->pool_));
  return api;
}

const google::protobuf::MethodDescriptor* ApiDescriptors::FindMethod(std::string_view name) const {
  return pool_.FindMethodByName(std::string(name));
}

const google::protobuf::Descriptor* ApiDescriptors::FindMessage(std::string_view name) const {
  return pool_.FindMessageTypeByName(std::string(name));
}

std::unique_ptr<google::protobuf::Message> ApiDescriptors::New(
    const google::protobuf::Descriptor& type) const {
  return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(&type)->New());
}

std::string ApiDescriptors::UrlOf(const google::protobuf::Descriptor& type) {
  return std::string(kUrlPrefix) + "/" + type.full_name();
}

}  // namespace kith::http
