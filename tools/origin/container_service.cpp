// "Task IAM role", Amazon ECS developer guide; "EKS Pod Identity", Amazon EKS user guide.
#include "origin/credential_services.hpp"

namespace sluice::origin {

Response answer_container(const ServiceCall& call) {
  if (call.request.method != "GET") return refused_json(405, "use GET");
  // ECS may ask for none; the agent of EKS always does.
  const std::string* const shown = find_header(call.request.headers, "Authorization");
  const bool needed = call.route.key == "v1/credentials" || !call.options.token.empty();
  if (needed && !call.is_token(shown != nullptr ? *shown : std::string()))
    return refused_json(401, "the token in Authorization is missing or not the right one");
  Response response;
  set_body(response, credentials_document(call.issue("TASK"), ""), "application/json");
  return response;
}

}  // namespace sluice::origin
