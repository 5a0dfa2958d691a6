#include "service/scrapers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/fields.h"

namespace tpx::service {
namespace {

using Seconds = std::chrono::duration<double>;
using decode::Showing;

constexpr std::string_view kState = "scrapers 1";
constexpr std::size_t kMostMembers = 256;
constexpr Seconds kKnown{600};
constexpr double kIntervalsKnown = 3;
/// A closed connection's member is waited for no shorter than this.
constexpr Seconds kLeastHold{30};
/// A scrape interval is at least the timeout (Prometheus refuses others); some jitter is allowed for.
constexpr double kJitter = 0.9;
/// As near to the whole timeout as a page may come, as the network takes its time, too.
constexpr double kInTime = 0.95;
/// How well a member of unknown rhythm fits; a known one is off by 0 to 0.5 of its interval.
constexpr double kUnknownFit = 0.25;
constexpr double kMostMissed = 20;
/// Fits that differ by no more than this say nothing.
constexpr double kAlike = 0.15;
constexpr std::uint32_t kMostLone = 3;

std::string address_of(const std::string& remote) {
  return remote.substr(0, remote.rfind(':'));
}

}  // namespace

std::optional<ScrapeClient> scrape_client(const http::Request& request) {
  const std::string* timeout = request.header("X-Prometheus-Scrape-Timeout-Seconds");
  if (timeout == nullptr || request.method != "GET") {
    return std::nullopt;
  }
  ScrapeClient client;
  double seconds = 0;
  const auto [end, error] = std::from_chars(timeout->data(), timeout->data() + timeout->size(), seconds);
  if (error != std::errc() || end != timeout->data() + timeout->size() || !(seconds > 0)) {
    return std::nullopt;
  }
  client.timeout = Seconds(seconds);
  client.connection = request.open;
  const std::string* agent = request.header("User-Agent");
  for (const std::string& part :
       {address_of(request.remote), request.path, request.query, agent == nullptr ? std::string() : *agent, *timeout}) {
    client.group += part;
    client.group += '\n';
  }
  return client;
}

Seconds Scrapers::Member::interval() const {
  return gap_before.count() == 0 ? gap : std::min(gap, gap_before);
}

bool Scrapers::known(const Member& member, Time now) {
  return member.last().sequence != 0 && now - member.seen <= std::max(kKnown, kIntervalsKnown * member.interval());
}

/// Whether the other members of its group have to wait for it. One whose connection is closed and that missed its turns may
/// be one of them by now; if it comes back, it knows itself what it has got.
bool Scrapers::holds(const Member& member, Time now) {
  if (!known(member, now) || !member.connection.expired()) {
    return known(member, now);
  }
  return now - member.seen <= std::max(kLeastHold, kIntervalsKnown * member.interval());
}

Scrapers::Member* Scrapers::on_connection(const ScrapeClient& client) {
  if (!client.connection) {
    return nullptr;
  }
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
    return member.group == client.group && member.connection.lock() == client.connection;
  });
  return found == members_.end() ? nullptr : &*found;
}

/// What was sent last on a connection that is closed now.
void Scrapers::close_connection(Member& member) {
  if (member.requests == 0) {
    return;
  }
  member.lone = member.requests == 1 ? member.lone + 1 : 0;
  if (member.unsure && (!member.keeps || member.lone > kMostLone)) {
    member.got = *member.unsure;  // a closed connection says nothing: it keeps none, or the server closes them
  }
  member.unsure.reset();
  member.requests = 0;
}

Scrapers::Member* Scrapers::in_place_of_closed(const ScrapeClient& client, Time now) {
  std::vector<std::pair<double, Member*>> fits;
  for (Member& member : members_) {
    if (member.group != client.group || !member.connection.expired()) {
      continue;
    }
    close_connection(member);
    const Seconds gap = now - member.seen;
    const Seconds interval = member.interval();
    if (gap < kJitter * std::max(client.timeout, interval)) {
      continue;
    }
    const double turns = interval.count() == 0 ? 0 : gap / interval;
    fits.emplace_back(turns == 0 || turns > kMostMissed ? kUnknownFit : std::abs(turns - std::round(turns)), &member);
  }
  if (fits.empty()) {
    return nullptr;
  }
  const auto best =
      std::min_element(fits.begin(), fits.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // It may be any of those that fit about as well: what it has got, and what it was shown by value, is so for all of them.
  Got got = best->second->got;
  std::uint32_t floor = best->second->floor;
  for (const auto& [fit, member] : fits) {
    if (fit <= best->first + kAlike && holds(*member, now)) {
      got.sequence = std::min(got.sequence, member->got.sequence);
      got.by_value = std::min(got.by_value, member->got.by_value);
      floor = std::max(floor, member->floor);
    }
  }
  for (const auto& [fit, member] : fits) {
    if (member == best->second || (fit <= best->first + kAlike && holds(*member, now))) {
      member->got = got;
      member->floor = floor;
    }
  }
  best->second->connection = client.connection;
  return best->second;
}

Scrapers::Member& Scrapers::add(const ScrapeClient& client) {
  if (members_.size() >= kMostMembers) {
    members_.erase(std::min_element(members_.begin(), members_.end(),
                                    [](const Member& a, const Member& b) { return a.seen < b.seen; }));
  }
  Member member;
  member.id = ++ids_;
  member.group = client.group;
  member.connection = client.connection;
  members_.push_back(std::move(member));
  return members_.back();
}

Scrapers::Member& Scrapers::member_of(const ScrapeClient& client, Time now) {
  Member* member = on_connection(client);
  if (member != nullptr && member->unsure) {
    member->got = *member->unsure;
    member->unsure.reset();
  }
  if (member == nullptr) {
    member = in_place_of_closed(client, now);
  }
  if (member == nullptr) {
    member = &add(client);
  } else {
    member->gap_before = member->gap;
    member->gap = now - member->seen;
  }
  member->seen = now;
  ++member->requests;
  member->keeps = member->keeps || member->requests > 1;
  return *member;
}

/// Up to the least scrape that somebody of the group got last for sure; everything, for the first of a group.
std::uint32_t Scrapers::by_value_for(const Member& member, Time now) const {
  std::uint32_t least = Showing::kAll;
  for (const Member& other : members_) {
    if (other.group == member.group && holds(other, now)) {
      least = std::min(least, other.sure().sequence);
    }
  }
  return std::max(least, member.floor);
}

void Scrapers::note_seen(Showing& showing) const {
  for (const Member& member : members_) {
    const Got& got = member.sure();
    showing.seen_by_any = std::max(showing.seen_by_any, got.sequence);
    showing.values_seen_by_any = std::max(showing.values_seen_by_any, got.by_value);
    if (known(member, showing.now)) {
      showing.seen_by_all = std::min(showing.seen_by_all, got.sequence);
      showing.values_seen_by_all = std::min(showing.values_seen_by_all, got.by_value);
    }
  }
}

Scrapers::Scrape Scrapers::begin(const std::optional<ScrapeClient>& client, Time now) {
  const std::lock_guard lock(mutex_);
  Scrape scrape;
  scrape.begun = now;
  scrape.showing.now = now;
  scrape.showing.sequence = ++sequence_;
  if (client) {
    Member& member = member_of(*client, now);
    scrape.member = member.id;
    scrape.timeout = client->timeout;
    if (start_ == SeriesStart::Zero) {
      scrape.showing.by_value = by_value_for(member, now);
    }
    if (scrape.showing.by_value != Showing::kAll) {
      member.floor = scrape.showing.by_value;
    }
  }
  note_seen(scrape.showing);
  save();
  return scrape;
}

void Scrapers::end(const Scrape& scrape, bool sent, Time now) {
  if (scrape.member == 0 || (sent && now - scrape.begun >= kInTime * scrape.timeout)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(members_.begin(), members_.end(), [&](const Member& member) { return member.id == scrape.member; });
  if (found == members_.end()) {
    return;
  }
  if (!sent) {
    if (found->unsure && found->unsure->sequence == scrape.showing.sequence) {
      found->unsure.reset();
    }
    return;
  }
  if (scrape.showing.sequence <= found->last().sequence) {
    return;
  }
  const std::uint32_t sequence = scrape.showing.sequence;
  const std::uint32_t by_value = std::min(sequence, scrape.showing.by_value);
  found->unsure = Got{sequence, by_value};
  found->floor = std::max(found->floor, by_value);
  save();
}

void Scrapers::save_with(std::function<void(const std::string& state)> save) {
  const std::lock_guard lock(mutex_);
  save_ = std::move(save);
}

// Times are those of CLOCK_MONOTONIC, which all processes share until the machine is booted again.
void Scrapers::save() const {
  if (!save_) {
    return;
  }
  const auto nanoseconds = [](auto time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
  };
  FieldWriter out;
  out.text(kState);
  out.number(sequence_);
  out.number(ids_);
  out.number(members_.size());
  for (const Member& member : members_) {
    out.number(member.id);
    out.text(member.group);
    out.number(member.requests);
    out.number(member.keeps ? 1 : 0);
    out.number(member.lone);
    out.number(nanoseconds(member.seen.time_since_epoch()));
    out.number(nanoseconds(member.gap));
    out.number(nanoseconds(member.gap_before));
    out.number(member.floor);
    out.number(member.unsure ? 1 : 0);
    for (const Got& got : {member.got, member.unsure.value_or(Got{})}) {
      out.number(got.sequence);
      out.number(got.by_value);
    }
  }
  save_(out.take());
}

bool Scrapers::restore(const std::string& state) {
  FieldReader in(state);
  if (in.text() != kState) {
    return false;
  }
  const auto word = [&in] { return static_cast<std::uint32_t>(in.number()); };
  const auto time = [&in] { return std::chrono::nanoseconds(static_cast<std::int64_t>(in.number())); };
  const std::uint32_t sequence = word();
  const std::uint64_t ids = in.number();
  std::vector<Member> members;
  for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
    Member member;
    member.id = in.number();
    member.group = in.text();
    member.requests = word();
    member.keeps = in.number() != 0;
    member.lone = word();
    member.seen = Time(std::chrono::duration_cast<Time::duration>(time()));
    member.gap = time();
    member.gap_before = time();
    member.floor = word();
    const bool unsure = in.number() != 0;
    member.got.sequence = word();
    member.got.by_value = word();
    const Got last{word(), word()};
    member.unsure = unsure ? std::optional(last) : std::nullopt;
    members.push_back(std::move(member));
  }
  if (!in.complete()) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  sequence_ = sequence;
  ids_ = ids;
  members_ = std::move(members);
  return true;
}

std::size_t Scrapers::known(Time now) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [&](const Member& member) { return known(member, now); }));
}

}  // namespace tpx::service
