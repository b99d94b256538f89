#ifndef KITH_COORDINATOR_HTTP_OPENAPI_H_
#define KITH_COORDINATOR_HTTP_OPENAPI_H_

#include <string>

#include "coordinator/http/api_descriptors.h"
#include "coordinator/http/rest_routes.h"

namespace kith::http {

// The REST interface as an OpenAPI 3.0 document in JSON: every route with its parameters, request,
// answer and errors, described by the comments of the protos.
std::string OpenApiOf(const ApiDescriptors& api, const RestRoutes& routes,
                      const std::string& version);

}  // namespace kith::http

#endif  // KITH_COORDINATOR_HTTP_OPENAPI_H_
