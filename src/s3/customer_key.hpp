#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::s3 {

/// The key of SSE-C: objects that are encrypted with a key of the customer's are readable only to
/// who sends it along. A secret.
class CustomerKey {
 public:
  /// 256 bits: 32 bytes as they are, or as base64 with blanks around it. `where` names the file or
  /// variable for messages, which quote nothing of its content. `usage` if it is neither.
  static Result<CustomerKey> parse(std::string_view content, std::string_view where);
  /// The same of a file. `local` if it cannot be read.
  static Result<CustomerKey> read(const std::string& path);

  const std::string& base64() const noexcept { return base64_; }
  /// Of its MD5, which tells the service that it arrived unharmed.
  const std::string& md5_base64() const noexcept { return md5_base64_; }

 private:
  CustomerKey() = default;

  std::string base64_;
  std::string md5_base64_;
};

using CustomerKeyPtr = std::shared_ptr<const CustomerKey>;

}  // namespace sluice::s3
