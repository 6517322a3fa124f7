#include "mirror/group_sync.hpp"

namespace sluice::mirror {

namespace {

GroupSync::Method usual_method(const local::Destination& destination,
                               MirrorOptions::Durability durability) {
  switch (durability) {
    case MirrorOptions::Durability::none:
      return GroupSync::Method::none;
    case MirrorOptions::Durability::each_file:
      return GroupSync::Method::each_file;
    case MirrorOptions::Durability::full:
      break;
  }
  return destination.can_sync_at_once() ? GroupSync::Method::at_once : GroupSync::Method::each_file;
}

}  // namespace

GroupSync::GroupSync(local::Destination& destination, async::Runtime& runtime,
                     MirrorOptions::Durability durability)
    : destination_(destination), runtime_(runtime), usual_(usual_method(destination, durability)) {}

GroupSync::Method GroupSync::method() const noexcept {
  if (usual_ == Method::at_once && slow_.is_avoided(runtime_.now())) return Method::each_file;
  return usual_;
}

Result<void> GroupSync::at_once() {
  const SteadyTime started = runtime_.now();
  const auto synced = destination_.sync();
  slow_.note(started, runtime_.now());
  return synced;
}

Result<void> GroupSync::run(Method method, const local::ToSync& what) {
  Result<void> synced;
  switch (method) {
    case Method::none:
      break;
    case Method::at_once:
      synced = at_once();
      break;
    case Method::each_file:
      synced = destination_.sync_each(what);
      break;
  }
  // The kernel reports once that it could not write, and calls the pages clean: from then on what
  // is read here, and the next sync, say nothing of the disk. So nobody may find these files again.
  // Those that cannot be removed now fall to whoever starts next.
  if (!synced) static_cast<void>(destination_.clear_staging());
  return synced;
}

}  // namespace sluice::mirror
