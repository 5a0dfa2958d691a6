#include "http/basic_auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <strings.h>

#include <algorithm>
#include <memory>
#include <new>

namespace tpx::http {
namespace {

constexpr std::size_t kCacheSize = 128;
constexpr std::size_t kHashSize = 60;
constexpr std::size_t kMaxCredentials = 4096;
/// Worker threads that passwords may hold at once.
constexpr std::size_t kMaxGuessing = 3;

/// Constant time in the contents of `hash`.
bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const std::unique_ptr<crypt_data> data(new (std::nothrow) crypt_data{});  // 32 KiB: too much for a stack
  if (data == nullptr) {
    return false;
  }
  const char* computed = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool sized = computed != nullptr && std::string_view(computed).size() == kHashSize;
  return sized && CRYPTO_memcmp(computed, hash.data(), kHashSize) == 0;
}

}  // namespace

bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0 || text.size() > kMaxCredentials) {
    return false;
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  std::vector<unsigned char> bytes(text.size() / 4 * 3 + 1);
  const std::string owned(text);
  const int length =
      EVP_DecodeBlock(bytes.data(), static_cast<const unsigned char*>(static_cast<const void*>(owned.data())),
                      static_cast<int>(owned.size()));
  if (length < 0 || static_cast<std::size_t>(length) < padding) {
    return false;
  }
  out.assign(bytes.begin(), bytes.begin() + (length - static_cast<int>(padding)));
  return true;
}

BasicAuth::BasicAuth(std::map<std::string, std::string> users) : users_(std::move(users)) {
  // Without users OpenSSL need not begin to work, which takes three megabytes.
  remembers_ = !users_.empty() && RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1;
  std::string cost = "10";
  for (const auto& [name, hash] : users_) {
    cost = name == users_.begin()->first ? hash.substr(4, 2) : std::max(cost, hash.substr(4, 2));
  }
  decoy_ = "$2y$" + cost + "$" + std::string(22, '.') + std::string(31, '/');
}

BasicAuth::Digest BasicAuth::digest(std::string_view user, std::string_view password) const {
  std::string message(user);
  message.push_back('\0');
  message += password;
  Digest out{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       static_cast<const unsigned char*>(static_cast<const void*>(message.data())), message.size(), out.data(),
       &length);
  OPENSSL_cleanse(message.data(), message.size());
  return out;
}

bool BasicAuth::Cache::has(const Digest& wanted) const {
  bool found = false;
  for (const Digest& known : digests) {  // all of them, so that the time tells nothing
    found |= CRYPTO_memcmp(known.data(), wanted.data(), wanted.size()) == 0;
  }
  return found;
}

void BasicAuth::Cache::add(const Digest& digest) {
  if (digests.size() < kCacheSize) {
    digests.push_back(digest);
  } else {
    digests[oldest++ % kCacheSize] = digest;
  }
}

void GuessLimit::fill(Bucket& bucket, Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.guesses = std::min(kBurst, bucket.guesses + seconds * kPerSecond);
  bucket.filled = now;
}

bool GuessLimit::may_guess(const std::string& client, Clock::time_point now) {
  const auto found = buckets_.find(client);
  if (found == buckets_.end()) {
    return true;
  }
  fill(found->second, now);
  return found->second.guesses >= 1;
}

void GuessLimit::guessed_wrong(const std::string& client, Clock::time_point now) {
  if (buckets_.size() >= kMaxClients && !buckets_.contains(client)) {
    buckets_.erase(std::min_element(buckets_.begin(), buckets_.end(),
                                    [](const auto& a, const auto& b) { return a.second.filled < b.second.filled; }));
  }
  Bucket& bucket = buckets_.try_emplace(client, Bucket{kBurst, now}).first->second;
  fill(bucket, now);
  bucket.guesses -= 1;
}

std::optional<BasicAuth::Answer> BasicAuth::remembered(const Digest& wanted) const {
  const std::scoped_lock lock(cache_mutex_);
  if (right_.has(wanted)) {
    return Answer::Allowed;
  }
  return wrong_.has(wanted) ? std::optional(Answer::Wrong) : std::nullopt;
}

bool BasicAuth::begin_guess(const std::string& client) {
  const std::scoped_lock lock(cache_mutex_);
  if (guessing_ >= kMaxGuessing || !limit_.may_guess(client, GuessLimit::Clock::now())) {
    return false;
  }
  ++guessing_;
  return true;
}

void BasicAuth::end_guess(const std::string& client, const Digest& wanted, bool matches) {
  const std::scoped_lock lock(cache_mutex_);
  --guessing_;
  if (!matches) {
    limit_.guessed_wrong(client, GuessLimit::Clock::now());
  }
  if (remembers_) {
    (matches ? right_ : wrong_).add(wanted);
  }
}

BasicAuth::Answer BasicAuth::check(std::string_view authorization, const std::string& client) {
  if (users_.empty()) {
    return Answer::Allowed;
  }
  std::string credentials;
  const bool basic = authorization.size() > 6 && ::strncasecmp(authorization.data(), "Basic ", 6) == 0;
  if (!basic || !decode_base64(authorization.substr(6), credentials)) {
    return Answer::Wrong;
  }
  const std::size_t colon = credentials.find(':');
  // bcrypt reads a C string: a NUL in the password would cut it short and match a shorter one.
  if (colon == std::string::npos || credentials.find('\0') != std::string::npos) {
    return Answer::Wrong;
  }
  const std::string user = credentials.substr(0, colon);
  const std::string password = credentials.substr(colon + 1);
  const Digest wanted = digest(user, password);
  if (const auto known = remembered(wanted)) {
    return *known;
  }
  if (!begin_guess(client)) {
    return Answer::TooMany;
  }
  const auto known = users_.find(user);
  bool matches = false;
  {
    const std::scoped_lock lock(bcrypt_mutex_);  // one at a time: guessing must not take all CPUs
    ++computations_;
    matches = bcrypt_matches(password, known == users_.end() ? decoy_ : known->second) && known != users_.end();
  }
  end_guess(client, wanted, matches);
  return matches ? Answer::Allowed : Answer::Wrong;
}

std::uint64_t BasicAuth::computations() const {
  const std::scoped_lock lock(bcrypt_mutex_);
  return computations_;
}

}  // namespace tpx::http
