#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "config/config.h"
#include "config/names.h"
#include "config/yaml.h"

namespace tpx::config {

Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::is_directory(path, code)) {
    return std::vector{path};
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
    return fail(os_failure(path, code.value()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

Loaded load(const std::vector<std::string>& paths) {
  Loaded all;
  ExposedNames names;
  for (const std::string& path : paths) {
    const auto files = files_of(path);
    if (!files) {
      all.errors.push_back(files.error());
      continue;
    }
    if (files->empty()) {
      all.errors.push_back(Error{path + ": the directory has no *.yaml"});
    }
    for (const std::string& name : *files) {
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
