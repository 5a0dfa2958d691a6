#include "cli/top_screen.h"

#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cli/command.h"
#include "live/top_table.h"

namespace tpx::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct ScreenDeleter {
  void operator()(SCREEN* screen) const {
    endwin();
    delscreen(screen);
  }
};

class TopScreen {
 public:
  TopScreen(live::TopSource& source, live::TopModel& model, std::string title, const StopSignal& stop)
      : source_(source), model_(model), title_(std::move(title)), stop_(stop), utf8_(use_locale()) {}

  int run(double interval, std::uint64_t count) {
    screen_.reset(newterm(nullptr, stdout, stdin));
    if (screen_ == nullptr) {
      std::fputs("error: this terminal (TERM) is not known; use --batch\n", stderr);
      return kFailure;
    }
    set_terminal();
    const auto step = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(interval));
    auto next = Clock::now() + step;
    std::uint64_t shown = 0;
    draw();
    while (!quit_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
      if (left > 0) {
        wait_for_input(static_cast<int>(left) + 1);
        continue;
      }
      next = Clock::now() + step;
      if (!paused_) {
        if (auto sampled = source_.sample(model_); !sampled) {
          error_ = sampled.error().message;
        }
        if (++shown == count) {
          quit_ = true;
        }
      }
      draw();
    }
    return kOk;
  }

 private:
  void set_terminal() {
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    // https://no-color.org
    const char* no_color = std::getenv("NO_COLOR");
    if ((no_color == nullptr || *no_color == '\0') && has_colors()) {
      start_color();
      use_default_colors();
      init_pair(1, COLOR_CYAN, -1);
      colour_ = COLOR_PAIR(1);
    }
  }

  void wait_for_input(int milliseconds) {
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}}};
    poll(polled.data(), polled.size(), milliseconds);
    if (polled[1].revents != 0 || (polled[0].revents & (POLLHUP | POLLERR)) != 0) {
      quit_ = true;
      return;
    }
    bool any = false;
    for (int key = getch(); key != ERR; key = getch()) {
      if (key == KEY_RESIZE) {
        clearok(curscr, TRUE);  // terminals differ in what they keep of the old lines
      }
      typing_ ? type(key) : press(key);
      any = true;
    }
    if (any) {
      draw();
    }
  }

  void press(int key) {
    switch (key) {
      case 'q':
      case 'Q':
        quit_ = true;
        break;
      case 'p':
      case ' ':
        paused_ = !paused_;
        break;
      case 'r':
        sort_ = live::TopSort::Rate;
        break;
      case 't':
        sort_ = live::TopSort::Total;
        break;
      case 'l':
        sort_ = live::TopSort::Label;
        break;
      case '9':
        sort_ = model_.has_quantiles() ? live::TopSort::Quantile : sort_;
        break;
      case '/':
        typing_ = true;
        break;
      default:
        break;
    }
  }

  void type(int key) {
    if (key == '\n' || key == KEY_ENTER) {
      typing_ = false;
    } else if (key == 27) {
      typing_ = false;
      filter_.clear();
    } else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && !filter_.empty()) {
      filter_.pop_back();
    } else if (key >= ' ' && key < 256 && key != 127) {
      filter_ += static_cast<char>(key);
    }
  }

  [[nodiscard]] static const char* name_of(live::TopSort sort) {
    switch (sort) {
      case live::TopSort::Rate:
        return "rate";
      case live::TopSort::Total:
        return "total";
      case live::TopSort::Quantile:
        return "p99";
      case live::TopSort::Label:
        return "label";
    }
    return "";
  }

  void line(int y, const std::string& text, attr_t attributes) const {
    if (y < 0 || y >= LINES) {
      return;
    }
    attron(attributes);
    mvaddstr(y, 0, live::fitted(text, static_cast<std::size_t>(COLS)).c_str());
    attroff(attributes);
  }

  /// The terminal's size as it is, not as signals told it: one that came before curses listened is not told again.
  static void adapt_to_size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
      return;
    }
    if (is_term_resized(size.ws_row, size.ws_col)) {
      resizeterm(size.ws_row, size.ws_col);
      clearok(curscr, TRUE);
    }
  }

  void draw() const {
    adapt_to_size();
    erase();
    const auto room = static_cast<std::size_t>(std::max(0, LINES - 4));
    const std::vector<live::TopRow> rows = model_.rows(sort_, filter_, room);
    live::TopTable table{source_.label_names(), model_.has_quantiles(), utf8_, static_cast<std::size_t>(COLS)};
    line(0, title_, A_BOLD | colour_);
    std::string state = live::short_number(model_.rate()) + "/s, " + live::short_number(model_.total()) + " in " +
                        std::to_string(model_.size()) + " series, by " + name_of(sort_);
    state += filter_.empty() ? "" : ", with \"" + filter_ + "\"";
    state += paused_ ? ", PAUSED" : "";
    state += error_.empty() ? "" : ", " + error_;
    line(1, state, A_NORMAL);
    line(2, table.heading(rows), A_REVERSE);
    int y = 3;
    for (const std::string& text : table.lines(rows)) {
      line(y++, text, A_NORMAL);
    }
    line(LINES - 1,
         typing_ ? "filter: " + filter_ + "_   (Enter keeps it, Esc clears it)"
                 : std::string("r rate  t total  l label  ") + (model_.has_quantiles() ? "9 p99  " : "") +
                       "/ filter  p pause  q quit",
         colour_);
    refresh();
  }

  live::TopSource& source_;
  live::TopModel& model_;
  std::string title_;
  const StopSignal& stop_;
  bool utf8_;
  std::unique_ptr<SCREEN, ScreenDeleter> screen_;
  attr_t colour_ = A_NORMAL;
  live::TopSort sort_ = live::TopSort::Rate;
  std::string filter_;
  std::string error_;
  bool typing_ = false;
  bool paused_ = false;
  bool quit_ = false;
};

}  // namespace

bool use_locale() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0) {
    return true;
  }
  // A bare environment, such as sudo's, says nothing about the terminal; inside tmux and of today's terminals it is UTF-8.
  const char* all = std::getenv("LC_ALL");
  const char* type = std::getenv("LC_CTYPE");
  const char* language = std::getenv("LANG");
  const bool said = (all != nullptr && *all != '\0') || (type != nullptr && *type != '\0') ||
                    (language != nullptr && *language != '\0');
  return !said && std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
}

int show_top(live::TopSource& source, live::TopModel& model, const std::string& title, double interval,
             std::uint64_t count, const StopSignal& stop) {
  return TopScreen(source, model, title, stop).run(interval, count);
}

}  // namespace tpx::cli
