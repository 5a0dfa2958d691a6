#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "config/config.h"
#include "config/names.h"
#include "config/yaml.h"

namespace tpx::config {
namespace {

// The files that `path` stands for. A directory without any is an error: it is hardly meant.
std::vector<std::string> expand(const std::string& path, Errors& errors) {
  std::error_code code;
  if (!std::filesystem::is_directory(path, code)) {
    return {path};
  }
  std::vector<std::string> files;
  for (auto entry = std::filesystem::directory_iterator(path, code);
       !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".yaml") && !name.starts_with('.')) {
      files.push_back(entry->path().string());
    }
  }
  if (code) {
    errors.push_back(os_failure(path, code.value()));
  } else if (files.empty()) {
    errors.push_back(Error{path + ": the directory has no *.yaml"});
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Loaded load(const std::vector<std::string>& paths) {
  Loaded all;
  ExposedNames names;
  for (const std::string& path : paths) {
    for (const std::string& name : expand(path, all.errors)) {
      const Result<std::string> text = read_file(name, yaml::kMaxBytes);
      if (!text) {
        all.errors.push_back(text.error());
        continue;
      }
      Loaded one = parse(name, *text);
      all.errors.insert(all.errors.end(), one.errors.begin(), one.errors.end());
      for (Config::File& file : one.config.files) {
        const auto taken = [&](const auto& metric) {
          auto problem = names.add(file.name_space, metric.name, metric.type);
          if (problem) {
            all.errors.push_back(std::move(*problem));
          }
          return problem.has_value();
        };
        set_aside(file.metrics, file.incomplete, taken);
        for (Object& object : file.objects) {
          set_aside(object.metrics, object.incomplete, taken);
        }
        all.config.files.push_back(std::move(file));
      }
    }
  }
  return all;
}

}  // namespace tpx::config
