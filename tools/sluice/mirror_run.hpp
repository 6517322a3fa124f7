#pragma once

#include "console.hpp"
#include "service_manager.hpp"
#include "settings.hpp"
#include "signals.hpp"

#include "sluice/mirror.hpp"

#include <memory>
#include <string_view>

namespace sluice::cli {

/// Lets the service manager know of passes.
class TellsService final : public Observer {
 public:
  explicit TellsService(ServiceManager& service) : service_(service) {}

  void on_object(const ObjectEvent&) override {}
  void on_message(Level, std::string_view) override {}
  void on_pass_started() override {
    service_.status("a pass runs");
    service_.ready();
  }

 private:
  ServiceManager& service_;
};

/// What sync and watch have in common: a console, a mirror, and signals that stop it.
class MirrorRun {
 public:
  /// Of kind `local` if the console cannot be opened. Lives as long as the process: see leave().
  static Result<MirrorRun*> begin(const Settings& settings, Verb verb, Signals& signals);

  Console& console() noexcept { return *console_; }
  Mirror& mirror() noexcept { return mirror_; }
  ServiceManager& service() noexcept { return service_; }

  /// The end of the process, after the last event. `error` is what kept the run from its work.
  [[noreturn]] void end(int status, const Error* error);

 private:
  MirrorRun(const Settings& settings, std::unique_ptr<Console> console)
      : console_(std::move(console)), mirror_(settings.mirror, console_->observer()) {}

  const std::unique_ptr<Console> console_;
  ServiceManager service_;
  TellsService tells_service_{service_};
  Mirror mirror_;
};

}  // namespace sluice::cli
