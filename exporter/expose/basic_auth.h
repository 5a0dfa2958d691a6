#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tpx::expose {

/// Basic authentication against bcrypt hashes. bcrypt is slow by design (70 ms at cost 10), so credentials that were
/// right once are remembered as a digest under a random key of this object; wrong ones are not, and cost one bcrypt each,
/// one at a time, whether the user exists or not. Thread-safe.
class BasicAuth {
 public:
  /// name → bcrypt hash. Empty: everyone may.
  explicit BasicAuth(std::map<std::string, std::string> users);

  /// True when the value of an Authorization header (`Basic …`, "" when absent) is right, or when there are no users.
  [[nodiscard]] bool allows(std::string_view authorization);

  /// How many bcrypt computations there were, to see that the cache works.
  [[nodiscard]] std::uint64_t computations() const;

 private:
  using Digest = std::array<unsigned char, 32>;

  [[nodiscard]] Digest digest(std::string_view user, std::string_view password) const;
  [[nodiscard]] bool is_cached(const Digest& wanted) const;

  std::map<std::string, std::string> users_;
  std::string decoy_;  ///< a hash no password has, of the users' highest cost
  std::array<unsigned char, 32> key_{};
  bool remembers_ = false;  ///< false where there was no random key to digest under
  mutable std::mutex cache_mutex_;
  std::vector<Digest> cache_;
  std::size_t oldest_ = 0;
  mutable std::mutex bcrypt_mutex_;
  std::uint64_t computations_ = 0;
};

/// The bytes of a base64 text (RFC 4648, with padding); false when it is none.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);

}  // namespace tpx::expose
