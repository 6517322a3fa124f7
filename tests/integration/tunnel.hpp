#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {

/// A proxy for HTTPS on loopback that leads every CONNECT to one port of this machine, whatever
/// host it names: so the program can be watched as it talks to the hosts of AWS.
class Tunnel {
 public:
  explicit Tunnel(std::uint16_t to_port);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  std::string url() const;
  /// "host:port" of each CONNECT, in the order of arrival.
  std::vector<std::string> targets() const;

 private:
  void accept_all();
  void serve(int client);
  /// False if the other end or the test is done.
  bool wait_readable(int first, int second) const;

  const std::uint16_t to_port_;
  int listener_ = -1;
  int stop_ = -1;  ///< eventfd, readable once all is to end
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> targets_;
  std::vector<std::thread> connections_;  ///< of the accepting thread, until that has ended
  std::thread accepting_;
};

}  // namespace sluice::testing
