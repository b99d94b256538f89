#ifndef KITH_TESTS_FUZZ_RPC_CALLER_H_
#define KITH_TESTS_FUZZ_RPC_CALLER_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kith::fuzz {

using Method = google::protobuf::MethodDescriptor;

// Every unary method of a server, by number, with requests of any bytes: a method that is added to
// a .proto file is called from then on. Threads: one.
class RpcCaller {
 public:
  // `files` are those whose services are called.
  RpcCaller(std::shared_ptr<grpc::Channel> channel,
            const std::vector<const google::protobuf::FileDescriptor*>& files);

  // The same number means the same method for as long as there is no new one that takes it over.
  const Method& MethodOf(uint8_t number) const;
  uint8_t NumberOf(std::string_view name) const;  // a number that means this method

  grpc::Status Call(const Method& method, const std::string& request);

 private:
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::vector<const Method*> methods_;
};

// The method's request where the bytes are one, else null.
std::unique_ptr<google::protobuf::Message> ParseRequest(const Method& method,
                                                        std::string_view bytes);
// Puts `value` into the message's field of that name, where it has one of that type.
void SetText(google::protobuf::Message& message, const char* field, const std::string& value);
void SetNumber(google::protobuf::Message& message, const char* field, uint64_t value);

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_RPC_CALLER_H_
