#include "tests/fuzz/rpc_caller.h"

#include <google/protobuf/dynamic_message.h>

#include <algorithm>
#include <chrono>

#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

using google::protobuf::FieldDescriptor;

constexpr auto kLongest = std::chrono::seconds(20);

// The method with the greatest weight takes a number: a new one takes a few over and leaves the
// others as they are.
uint32_t WeightOf(std::string_view name, uint8_t number) {
  uint32_t hash = 2166136261u ^ number;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  hash ^= hash >> 15;
  hash *= 2246822519u;
  return hash ^ hash >> 13;
}

const FieldDescriptor* FieldOf(const google::protobuf::Message& message, const char* name) {
  const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(name);
  return field == nullptr || field->is_repeated() ? nullptr : field;
}

}  // namespace

RpcCaller::RpcCaller(std::shared_ptr<grpc::Channel> channel,
                     const std::vector<const google::protobuf::FileDescriptor*>& files)
    : stub_(std::move(channel)) {
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const Method* const method = file->service(s)->method(m);
        if (!method->client_streaming() && !method->server_streaming()) methods_.push_back(method);
      }
    }
  }
}

const Method& RpcCaller::MethodOf(uint8_t number) const {
  return **std::max_element(
      methods_.begin(), methods_.end(), [number](const Method* a, const Method* b) {
        return WeightOf(a->full_name(), number) < WeightOf(b->full_name(), number);
      });
}

uint8_t RpcCaller::NumberOf(std::string_view name) const {
  for (int number = 0; number < 256; ++number) {
    if (MethodOf(static_cast<uint8_t>(number)).name() == name) return static_cast<uint8_t>(number);
  }
  Require(false, "each method has a number");
  return 0;
}

grpc::Status RpcCaller::Call(const Method& method, const std::string& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongest);
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  const std::string path = "/" + method.service()->full_name() + "/" + method.name();
  const auto call = stub_.PrepareUnaryCall(&context, path, bytes, &queue_);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, this);
  void* tag = nullptr;
  bool is_ok = false;
  Require(queue_.Next(&tag, &is_ok), "a call ends");
  return status;
}

std::unique_ptr<google::protobuf::Message> ParseRequest(const Method& method,
                                                        std::string_view bytes) {
  const auto* const prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type());
  std::unique_ptr<google::protobuf::Message> message(prototype->New());
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return nullptr;
  return message;
}

void SetText(google::protobuf::Message& message, const char* field, const std::string& value) {
  const FieldDescriptor* const found = FieldOf(message, field);
  if (found == nullptr || found->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
  message.GetReflection()->SetString(&message, found, value);
}

void SetNumber(google::protobuf::Message& message, const char* field, uint64_t value) {
  const FieldDescriptor* const found = FieldOf(message, field);
  if (found == nullptr || found->cpp_type() != FieldDescriptor::CPPTYPE_UINT64) return;
  message.GetReflection()->SetUInt64(&message, found, value);
}

}  // namespace kith::fuzz
