#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "coordinator/http/http_server.h"
#include "tests/unit/http/fake_calls.h"
#include "tests/unit/http/socket_client.h"

namespace kith::http {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A key and a certificate that the test makes for itself.
bool InstallIdentity(SSL_CTX& context) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  const bool is_installed = SSL_CTX_use_certificate(&context, certificate) == 1 &&
                            SSL_CTX_use_PrivateKey(&context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  return is_installed;
}

class HttpTlsTest : public ::testing::Test {
 protected:
  HttpTlsTest() {
    gateway_->Open(calls_);
    HttpLimits limits;
    limits.first_byte = limits.head = limits.body_pause = milliseconds(500);
    server_ =
        *HttpServer::Start({.host = "127.0.0.1", .limits = limits, .set_up_tls = InstallIdentity},
                           {[] { return std::string(); },
                            [] {
                              return Readiness{true, ""};
                            },
                            gateway_.get()});
  }
  ~HttpTlsTest() override { SSL_CTX_free(client_); }

  // A whole exchange over TLS.
  std::string Exchange(const std::string& request) const {
    BIO* const connection = BIO_new_ssl_connect(client_);
    const std::string address = "127.0.0.1:" + std::to_string(server_->port());
    BIO_set_conn_hostname(connection, address.c_str());
    std::string answer;
    if (BIO_write(connection, request.data(), static_cast<int>(request.size())) > 0) {
      char buffer[4096];
      for (int got = 0; (got = BIO_read(connection, buffer, sizeof(buffer))) > 0;) {
        answer.append(buffer, static_cast<size_t>(got));
      }
    }
    BIO_free_all(connection);
    return answer;
  }

  SSL_CTX* const client_ = SSL_CTX_new(TLS_client_method());
  const std::unique_ptr<RestGateway> gateway_ = *RestGateway::Make({}, "1.2.3");
  const std::shared_ptr<testing::FakeCalls> calls_ = std::make_shared<testing::FakeCalls>();
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTlsTest, PagesAndCallsAreTheSameThroughTls) {
  EXPECT_THAT(Exchange("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("ok")));
  const std::string body = "{\"ids\":[" + std::string(1 << 20, ' ') + "]}";
  EXPECT_THAT(Exchange("POST /v1/collections/c/points:get HTTP/1.1\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"missing\":[]")));
}

TEST_F(HttpTlsTest, AnAnswerOfManyMegabytesArrivesWhole) {
  const size_t size = 20 << 20;
  calls_->answer = [&](const RestCall&) {
    // next_page_token (field 2) of ScrollPointsResponse.
    std::string response = "\x12\x80\x80\x80\x0a" + std::string(size, 'x');
    return RestReply{{}, response};
  };
  const std::string answer =
      Exchange("GET /v1/collections/c/points HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer.substr(0, 100), StartsWith("HTTP/1.1 200"));
  EXPECT_GT(answer.size(), size);
}

TEST_F(HttpTlsTest, ACallerThatDoesNotSpeakTlsOrNotToItsEndIsLetGo) {
  const testing::SocketClient plain(server_->port());
  plain.Send("GET /livez HTTP/1.1\r\n\r\n");
  EXPECT_THAT(plain.ReadAll(), ::testing::Not(HasSubstr("HTTP/1.1 200")));
  const testing::SocketClient silent(server_->port());
  silent.Send("\x16\x03\x01");  // the begin of a handshake
  EXPECT_THAT(silent.ReadAll(), IsEmpty());
  EXPECT_THAT(Exchange("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST(HttpTlsSetUpTest, APortWithoutACertificateIsNotOpened) {
  const auto server =
      HttpServer::Start({.host = "127.0.0.1", .set_up_tls = [](SSL_CTX&) { return false; }},
                        {[] { return std::string(); }, [] { return Readiness{}; }});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace kith::http
