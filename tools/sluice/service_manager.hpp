#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// The notify protocol of systemd (sd_notify(3)), spoken directly: datagrams of NAME=value lines to
/// the socket that NOTIFY_SOCKET names, a path or, with `@`, an abstract name. Without that
/// variable nothing happens. Failures are ignored, as sd_notify's are: a manager that has gone is
/// no reason to stop. Every member may be called from any thread.
class ServiceManager {
 public:
  /// Looks at NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready();  ///< once; later calls do nothing
  void stopping();
  void reloading();  ///< until `reloaded`
  void reloaded();
  /// One line for `systemctl status`; sent only if it is another one.
  void status(std::string_view text);
  /// That all is well; sent at most twice in the time in which the manager wants to hear of it.
  void alive();

 private:
  void send(const std::string& message);

  int socket_ = -1;
  std::optional<std::chrono::microseconds> watchdog_;
  std::mutex mutex_;  ///< of what follows
  bool is_ready_ = false;
  std::string status_;
  std::chrono::steady_clock::time_point last_alive_;
};

}  // namespace sluice::cli
