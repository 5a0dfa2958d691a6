#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::http {

/// A rate limit of wrong passwords per client: `burst` guesses, refilled at `per_second`. A guess is a bcrypt computation
/// with a negative result. Keeps the `kMaxClients` clients that guessed last. Not thread-safe.
class GuessLimit {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr double kBurst = 10;
  static constexpr double kPerSecond = 1;
  static constexpr std::size_t kMaxClients = 1024;

  [[nodiscard]] bool may_guess(const std::string& client, Clock::time_point now);
  void guessed_wrong(const std::string& client, Clock::time_point now);

 private:
  struct Bucket {
    double guesses = kBurst;
    Clock::time_point filled;
  };
  static void fill(Bucket& bucket, Clock::time_point now);

  std::map<std::string, Bucket> buckets_;
};

/// Basic authentication against bcrypt hashes. bcrypt is slow by design (70 ms at cost 10), so results are cached by a
/// digest of the credentials under a random key of this object. New credentials cost one bcrypt computation, one at a time,
/// whether or not the user exists. A client that guesses too often, or while too many others do, is told to retry without a
/// computation. So known credentials never wait. Thread-safe.
class BasicAuth {
 public:
  enum class Answer : std::uint8_t { Allowed, Wrong, TooMany };

  /// name → bcrypt hash. Empty: everyone may.
  explicit BasicAuth(std::map<std::string, std::string> users);

  /// Allowed if the value of the Authorization header (`Basic …`, "" when absent) is correct, or if no users are
  /// configured. `client` is an address without its port.
  [[nodiscard]] Answer check(std::string_view authorization, const std::string& client);

  /// How many bcrypt computations there were, to see that the cache works.
  [[nodiscard]] std::uint64_t computations() const;

 private:
  using Digest = std::array<unsigned char, 32>;

  [[nodiscard]] Digest digest(std::string_view user, std::string_view password) const;
  /// The most recent digests; a new one replaces the oldest.
  struct Cache {
    std::vector<Digest> digests;
    std::size_t oldest = 0;
    [[nodiscard]] bool has(const Digest& wanted) const;
    void add(const Digest& digest);
  };

  [[nodiscard]] std::optional<Answer> remembered(const Digest& wanted) const;
  [[nodiscard]] bool begin_guess(const std::string& client);
  void end_guess(const std::string& client, const Digest& wanted, bool matches);

  std::map<std::string, std::string> users_;
  std::string decoy_;  ///< a hash no password has, of the users' highest cost
  std::array<unsigned char, 32> key_{};
  bool remembers_ = false;  ///< false where there was no random key to digest under
  mutable std::mutex cache_mutex_;
  Cache right_;
  Cache wrong_;
  GuessLimit limit_;
  std::size_t guessing_ = 0;  ///< threads that wait for bcrypt or compute it
  mutable std::mutex bcrypt_mutex_;
  std::uint64_t computations_ = 0;
};

/// The bytes of a base64 text (RFC 4648, with padding); false when it is none.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);

}  // namespace tpx::http
