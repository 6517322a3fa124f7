#pragma once

#include "base/time.hpp"
#include "transfer/assembly.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::transfer {

/// The objects of which parts are under way just now, for whoever wants to see them. Any thread.
class ActiveTransfers {
 public:
  /// While it lives, a part of this object is under way.
  class Entry {
   public:
    Entry(ActiveTransfers& all, std::shared_ptr<const Assembly> object, SteadyTime now);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    ActiveTransfers& all_;
    const std::shared_ptr<const Assembly> object_;
  };

  struct Seen {
    std::string key;
    std::uint64_t size_bytes = 0;
    std::uint64_t received_bytes = 0;  ///< at most the size
    SteadyTime begun{};
  };

  std::size_t count() const;
  /// So many of them at most, those that began first.
  std::vector<Seen> oldest(std::size_t most) const;

 private:
  struct Object {
    // Copies: the assembly hands its task on when its last part has ended.
    std::string key;
    std::uint64_t size_bytes = 0;
    SteadyTime begun{};
    unsigned parts = 0;
  };

  mutable std::mutex mutex_;
  std::map<const Assembly*, Object> objects_;
};

}  // namespace sluice::transfer
