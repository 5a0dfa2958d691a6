#include "live/top_source.h"

namespace tpx::live {

Result<std::unique_ptr<TopSource>> TopSource::make(loader::Loaded loaded, const decode::Environment& environment) {
  auto labels = decode::LabelDecoder::make(loaded.metrics.front().planned.plan.key, environment);
  if (!labels) {
    return fail(std::move(labels.error()));
  }
  return std::unique_ptr<TopSource>(new TopSource(std::move(loaded), std::move(*labels)));
}

std::vector<std::string> TopSource::label_names() const {
  std::vector<std::string> names;
  for (const schema::KeyField& field : metric().plan.key.fields) {
    names.push_back(field.label);
  }
  return names;
}

Result<void> TopSource::sample(TopModel& model) {
  snapshot_.clear();
  if (auto read = reader_.read(snapshot_); !read) {
    return read;
  }
  const auto now = std::chrono::steady_clock::now();
  labels_.refresh();
  model.begin();
  for (std::size_t row = 0; row < snapshot_.rows(); ++row) {
    if (labels_.decode(snapshot_.key(row), texts_)) {
      model.add(texts_, snapshot_.value(row));
    }
  }
  if (!snapshot_.other.empty() && !metric().plan.key.fields.empty()) {
    texts_.assign(metric().plan.key.fields.size(), "other");
    model.add(texts_, snapshot_.other);
  }
  model.end(std::chrono::duration<double>(now - last_).count());
  last_ = now;
  return {};
}

}  // namespace tpx::live
