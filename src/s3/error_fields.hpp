#pragma once

#include "s3/errors.hpp"

namespace pugi {
class xml_node;
}

namespace sluice::s3 {

/// The fields of an `<Error>` element that has been parsed already.
ErrorDocument read_error(const pugi::xml_node& root);

}  // namespace sluice::s3
