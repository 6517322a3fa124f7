#include "transfer/active_transfers.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transfer {

ActiveTransfers::Entry::Entry(ActiveTransfers& all, std::shared_ptr<const Assembly> object,
                              SteadyTime now)
    : all_(all), object_(std::move(object)) {
  const std::lock_guard lock(all_.mutex_);
  const auto [found, is_new] = all_.objects_.try_emplace(object_.get());
  ++found->second.parts;
  if (!is_new) return;
  found->second.key = object_->task().key;
  found->second.size_bytes = object_->plan().size();
  found->second.begun = now;
}

ActiveTransfers::Entry::~Entry() {
  const std::lock_guard lock(all_.mutex_);
  const auto found = all_.objects_.find(object_.get());
  if (--found->second.parts == 0) all_.objects_.erase(found);
}

std::size_t ActiveTransfers::count() const {
  const std::lock_guard lock(mutex_);
  return objects_.size();
}

std::vector<ActiveTransfers::Seen> ActiveTransfers::oldest(std::size_t most) const {
  std::vector<Seen> out;
  {
    const std::lock_guard lock(mutex_);
    out.reserve(objects_.size());
    for (const auto& [assembly, object] : objects_)
      out.push_back({object.key, object.size_bytes,
                     std::min(assembly->received_bytes(), object.size_bytes), object.begun});
  }
  const auto end = out.begin() + static_cast<std::ptrdiff_t>(std::min(most, out.size()));
  std::partial_sort(out.begin(), end, out.end(),
                    [](const Seen& a, const Seen& b) { return a.begun < b.begun; });
  out.erase(end, out.end());
  return out;
}

}  // namespace sluice::transfer
