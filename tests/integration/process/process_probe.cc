// What the process tests ask of a server that Python's standard library cannot:
//
//   process_probe health HOST:PORT       prints SERVING, NOT_SERVING or the gRPC error
//   process_probe services HOST:PORT     prints what reflection lists, one service a line
//   process_probe format FILE VERSION    rewrites a directory's FORMAT for readers of VERSION
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <xxhash.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr std::string_view kListServices("\x3a\x00", 2);  // field 7, an empty string

grpc::ByteBuffer BufferOf(std::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// One request, one answer, as bytes: the messages are too small to generate code for.
class OneCall {
 public:
  OneCall(const std::string& address, const std::string& method)
      : stub_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    call_ = stub_.PrepareCall(&context_, method, &queue_);
  }

  grpc::Status Run(std::string_view request, std::string& answer) {
    grpc::ByteBuffer received;
    call_->StartCall(Tag());
    if (Wait()) {
      call_->Write(BufferOf(request), Tag());
      if (Wait()) {
        call_->Read(&received, Tag());
        if (Wait()) answer = BytesOf(received);
        call_->WritesDone(Tag());
        Wait();
      }
    }
    grpc::Status status;
    call_->Finish(&status, Tag());
    Wait();
    return status;
  }

 private:
  void* Tag() { return this; }
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

int PrintHealth(const std::string& address) {
  std::string answer;
  const grpc::Status status = OneCall(address, kHealthCheck).Run("", answer);
  if (!status.ok()) {
    fmt::print("error {}: {}\n", static_cast<int>(status.error_code()), status.error_message());
    return 1;
  }
  // HealthCheckResponse: field 1, an enum; 1 is SERVING.
  fmt::print("{}\n", answer == std::string("\x08\x01", 2) ? "SERVING" : "NOT_SERVING");
  return 0;
}

// Names in the answer: field 1 of the messages in field 1 of field 6. Printable runs with a dot in
// them are enough to tell them.
int PrintServices(const std::string& address) {
  std::string answer;
  const grpc::Status status = OneCall(address, kReflection).Run(kListServices, answer);
  if (!status.ok()) {
    fmt::print("error {}: {}\n", static_cast<int>(status.error_code()), status.error_message());
    return 1;
  }
  std::string run;
  for (const char c : answer + '\0') {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_') {
      run += c;
      continue;
    }
    if (run.find('.') != std::string::npos) fmt::print("{}\n", run);
    run.clear();
  }
  return 0;
}

int RewriteFormat(const std::string& path, const std::string& version) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::string body;
  while (std::getline(in, line) && !line.starts_with("checksum=")) {
    const size_t equals = line.find('=');
    const std::string key = line.substr(0, equals);
    const bool told = key == "format_version" || key == "oldest_reader";
    body += (told ? key + "=" + version : line) + "\n";
  }
  in.close();
  body += fmt::format("checksum={:016x}\n", XXH3_64bits(body.data(), body.size()));
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << body;
  return out.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "health" && argc == 3) return PrintHealth(argv[2]);
  if (command == "services" && argc == 3) return PrintServices(argv[2]);
  if (command == "format" && argc == 4) return RewriteFormat(argv[2], argv[3]);
  fmt::print(stderr, "process_probe: health|services HOST:PORT, or format FILE VERSION\n");
  return 2;
}
