#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::s3 {

inline constexpr std::size_t kMaxErrorBytes = 64 * 1024;  ///< of an error's body that are read

/// An S3 `<Error>` document. Unknown or broken XML gives empty fields, never a failure.
struct ErrorDocument {
  std::string code;
  std::string message;
  std::string region;  ///< only if it is a DNS label
};
ErrorDocument parse_error_document(std::string_view body);

enum class Operation : std::uint8_t { list, head, get, probe };

/// THE error table: status and S3 code to what the caller will do. Pure.
ErrorKind classify(int status, std::string_view code, Operation operation) noexcept;

}  // namespace sluice::s3
