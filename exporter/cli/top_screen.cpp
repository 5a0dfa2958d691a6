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
    interval_ = interval;
    auto last = Clock::now();
    std::uint64_t shown = 0;
    draw();
    while (!quit_) {
      const auto next = last + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(interval_));  // keys change it
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
      if (left > 0) {
        wait_for_input(static_cast<int>(left) + 1);
        continue;
      }
      last = Clock::now();
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
      typing_ ? type(key) : help_ ? void(help_ = false) : press(key);
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
      case '/':
        typing_ = true;
        break;
      case '?':
        help_ = true;
        break;
      case 'h':
        bars_ = !bars_ && model_.has_quantiles();
        break;
      case 'z':
        model_.reset();
        break;
      case '+':
      case '-':
        change_interval(key == '+');
        break;
      default:
        sort(key);
        scroll_rows(key);
        break;
    }
  }

  void sort(int key) {
    const live::TopSort before = sort_;
    sort_ = key == 'r'                             ? live::TopSort::Rate
            : key == 't'                           ? live::TopSort::Total
            : key == 'l'                           ? live::TopSort::Label
            : key == '9' && model_.has_quantiles() ? live::TopSort::Quantile
                                                   : sort_;
    top_ = sort_ == before ? top_ : 0;
  }

  void scroll_rows(int key) {
    const std::size_t page = std::max<std::size_t>(room(), 1);
    const auto up = [this](std::size_t rows) { top_ -= std::min(top_, rows); };
    switch (key) {
      case KEY_DOWN:
      case 'j':
        ++top_;
        break;
      case KEY_UP:
      case 'k':
        up(1);
        break;
      case KEY_NPAGE:
        top_ += page;
        break;
      case KEY_PPAGE:
        up(page);
        break;
      case KEY_HOME:
        top_ = 0;
        break;
      case KEY_END:
        top_ = model_.size();
        break;
      default:
        break;
    }
    const std::size_t rows = model_.count(filter_);
    top_ = std::min(top_, rows - std::min(rows, page));
  }

  /// To the next of a few round intervals.
  void change_interval(bool longer) {
    constexpr std::array<double, 11> kIntervals{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 300};
    constexpr double kSame = 1e-6;
    if (longer) {
      const auto* next =
          std::find_if(kIntervals.begin(), kIntervals.end(), [this](double each) { return each > interval_ + kSame; });
      interval_ = next == kIntervals.end() ? interval_ : *next;
      return;
    }
    const auto next =
        std::find_if(kIntervals.rbegin(), kIntervals.rend(), [this](double each) { return each < interval_ - kSame; });
    interval_ = next == kIntervals.rend() ? interval_ : *next;
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
    mvaddstr(y, 0, live::fitted(text, static_cast<std::size_t>(COLS), false, utf8_ ? "…" : ">").c_str());
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

  /// Lines between the heading and the keys.
  [[nodiscard]] static std::size_t room() { return static_cast<std::size_t>(std::max(0, LINES - 4)); }

  [[nodiscard]] std::string state(std::size_t first, std::size_t shown, live::Unit unit) const {
    const live::Unit counted = model_.has_quantiles() ? live::Unit::None : unit;
    std::string text = live::shown_rate(model_.rate(), counted, utf8_) + "/s, " +
                       live::shown_number(model_.total(), counted, utf8_) + " in " + std::to_string(model_.size()) +
                       " series, by " + name_of(sort_) + ", every " +
                       live::shown_number(interval_, live::Unit::Seconds, utf8_);
    text += first == 0 ? "" : ", rows " + std::to_string(first + 1) + " to " + std::to_string(first + shown);
    text += filter_.empty() ? "" : ", with \"" + filter_ + "\"";
    text += paused_ ? ", PAUSED" : "";
    return error_.empty() ? text : text + ", " + error_;
  }

  void draw_help() const {
    constexpr std::array<const char*, 14> kHelp{
        "r t l     sort by rate, total, label",
        "9         sort by the 99th percentile (of a histogram)",
        "/         show rows that contain a text: Enter keeps it, Esc clears it",
        "up down   scroll a row, also k and j; Page Up and Page Down a screen; Home and End",
        "h         histogram of the rows that are shown, as bars; h again: the table",
        "+ -       longer and shorter interval",
        "z         count from zero from now on",
        "p         pause; p again: go on",
        "q         quit",
        "",
        "RATE/S    events (or what they add) a second, in the last interval",
        "TOTAL     since the start, or since z",
        "P50 ..    percentiles: half, 90% and 99% of the observations are not above",
        "HISTORY   the last rates of the row, scaled to its highest"};
    int y = 2;
    for (const char* text : kHelp) {
      if (y < LINES - 1) {
        line(y++, text, A_NORMAL);
      }
    }
    line(LINES - 1, "any key: back", colour_);
  }

  void draw_rows() const {
    const live::Unit unit = live::unit_of(source_.metric().plan.name);
    std::vector<live::TopRow> rows = model_.rows(sort_, filter_, top_ + room());
    const std::size_t first = std::min(top_, rows.size() - std::min(rows.size(), room()));
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(first));
    const live::TopTable table{source_.label_names(), model_.has_quantiles(), utf8_, static_cast<std::size_t>(COLS),
                               unit};
    line(1, state(first, rows.size(), unit), A_NORMAL);
    line(2, bars_ ? "histogram of all rows" : table.heading(rows), A_REVERSE);
    int y = 3;
    for (const std::string& text :
         bars_ ? table.bars(model_.distribution(filter_), model_.layout().exposed_bounds) : table.lines(rows)) {
      if (y < LINES - 1) {
        line(y++, text, A_NORMAL);
      }
    }
    line(LINES - 1,
         typing_ ? "filter: " + filter_ + "_   (Enter keeps it, Esc clears it)"
                 : std::string("? help  q quit  r rate  t total  l label  ") +
                       (model_.has_quantiles() ? "9 p99  h histogram  " : "") + "/ filter  p pause",
         colour_);
  }

  void draw() const {
    adapt_to_size();
    erase();
    line(0, title_, A_BOLD | colour_);
    help_ ? draw_help() : draw_rows();
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
  double interval_ = 1;  ///< seconds
  std::size_t top_ = 0;  ///< the first row that is shown
  bool typing_ = false;
  bool help_ = false;
  bool bars_ = false;  ///< in place of the table
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
