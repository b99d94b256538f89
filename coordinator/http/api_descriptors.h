#ifndef KITH_COORDINATOR_HTTP_API_DESCRIPTORS_H_
#define KITH_COORDINATOR_HTTP_API_DESCRIPTORS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/type_resolver.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace kith::http {

// The public protos (proto/CMakeLists.txt: all but what nodes say among themselves) as the build
// saw them, comments included. What REST and /openapi.json know of a service or a message comes
// from here.
//
// Threads: any.
class ApiDescriptors {
 public:
  // INTERNAL where the build wrote something else.
  static absl::StatusOr<std::unique_ptr<ApiDescriptors>> Load();

  // In the order of their files.
  const std::vector<const google::protobuf::ServiceDescriptor*>& services() const {
    return services_;
  }
  // By full name ("kith.v1.Points.Upsert"); null where there is none.
  const google::protobuf::MethodDescriptor* FindMethod(std::string_view name) const;
  const google::protobuf::Descriptor* FindMessage(std::string_view name) const;

  std::unique_ptr<google::protobuf::Message> New(const google::protobuf::Descriptor& type) const;
  // For Protobuf's JSON mapping; types are named as UrlOf says.
  google::protobuf::util::TypeResolver* resolver() const { return resolver_.get(); }
  static std::string UrlOf(const google::protobuf::Descriptor& type);

 private:
  ApiDescriptors() = default;

  google::protobuf::DescriptorPool pool_;
  std::vector<const google::protobuf::ServiceDescriptor*> services_;
  mutable google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_API_DESCRIPTORS_H_
