#pragma once

#include "store/object_store.hpp"

#include <string>
#include <utility>

namespace sluice::transfer {

inline store::ObjectHead head_with_etag(std::string etag) {
  store::ObjectHead head;
  head.version.etag = std::move(etag);
  return head;
}

}  // namespace sluice::transfer
